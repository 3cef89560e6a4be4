"""NextChat's title and memory (ChatGPTNextWeb/NextChat)."""

from flux.chores.quotes import prompts_of
from flux.chores.rule import Chore, Recogniser, Rule, Stage, TextRule
from flux.chores.titles import summary, title
from flux.conversation import SYSTEM_ROLES, Conversation, Message
from flux.picture import ids_in_text

_NEXT_CHAT_TITLES = (
    # ChatGPTNextWeb/NextChat, app/locales/*.ts, Store.Prompt.Topic; each long enough that no user writes the same.
    "Please generate a four to five word title summarizing our conversation without any lead-in",  # en
    "使用四到五个字直接返回这句话的简要主题，不要解释",  # cn
    "Use the language used by the user (e.g. en for english conversation, zh-hant for chinese conversation",  # tw
    "この文の簡潔なテーマを四から五文字で返してください。説明、句読点",  # jp
    "네 글자에서 다섯 글자로 이 문장의 간략한 주제를 반환하세요. 설명이나 문장 부호",  # ko
    "Geben Sie ein kurzes Thema in vier bis fünf Wörtern zurück, ohne Erklärungen",  # de
    "Utilisez quatre à cinq mots pour retourner le sujet succinct de cette phrase, sans explication",  # fr
    "Devuelve un tema breve de esta frase en cuatro a cinco palabras, sin explicación",  # es
    "Riporta il tema di questa frase in modo conciso con quattro o cinque parole, senza spiegazioni",  # it
    "Por favor, gere um título de quatro a cinco palavras resumindo nossa conversa sem qualquer introdução",  # pt
    "Укажите краткую тему этого сообщения в четырех-пяти словах, без объяснений",  # ru
    "Bu cümlenin dört ila beş kelimelik kısa başlığını doğrudan verin, açıklama yapmayın",  # tr
    "Použijte čtyři až pět slov pro stručné téma této věty, bez vysvětlení",  # cs
    "Prosím, vygenerujte štvor- až päťslovný titul, ktorý zhrnie našu konverzáciu bez akéhokoľvek úvodu",  # sk
    "Gunakan empat hingga lima kata untuk langsung memberikan ringkasan topik kalimat ini, tanpa penjelasan",  # id
    "Find en kort overskrift med 4-5 ord om emnet. Ingen tegnsætning",  # da
    "Bruk fire til fem ord for å returnere en kort oppsummering av temaet, uten forklaring",  # no
    "Sử dụng bốn đến năm từ để trả lại chủ đề tóm tắt của câu này, không giải thích",  # vi
    "استخدم أربع إلى خمس كلمات لإرجاع ملخص مختصر لهذه الجملة، بدون شرح",  # ar
    "চার থেকে পাঁচটি শব্দ ব্যবহার করে এই বাক্যের সংক্ষিপ্ত থিম দিন, ব্যাখ্যা",  # bn
    "এই বাক্যের জন্য চার থেকে পাঁচটি শব্দ দিয়ে একটি সংক্ষিপ্ত থিম তৈরি করুন, কোন ব্যাখ্যা",  # bn, 2026
    # The same up to 2.14 (August 2024), still deployed.
    "Bitte erstellen Sie einen vier- bis fünfwörtigen Titel, der unser Gespräch zusammenfasst, ohne Einleitung",
    "Veuillez générer un titre de quatre à cinq mots résumant notre conversation sans introduction",
    "Por favor, genera un título de cuatro a cinco palabras que resuma nuestra conversación sin ningún inicio",
    "Si prega di generare un titolo di quattro o cinque parole che riassuma la nostra conversazione senza alcuna",
    "Пожалуйста, создайте заголовок из четырех или пяти слов, который кратко описывает нашу беседу, без введения",
    "Lütfen herhangi bir giriş, noktalama işareti, tırnak işareti, nokta, sembol veya ek metin olmadan konuşmamızı",
    "Vytvořte prosím název o čtyřech až pěti slovech vystihující průběh našeho rozhovoru bez jakýchkoli",
    "Vennligst generer en tittel på fire til fem ord som oppsummerer samtalen vår uten noen innledning",
    "Sử dụng 4 đến 5 từ tóm tắt cuộc trò chuyện này mà không có phần mở đầu",
)
_NEXT_CHAT_SUMMARIES = (
    # ChatGPTNextWeb/NextChat, app/locales/*.ts, Store.Prompt.Summarize; sent as a last system message.
    "Summarize the discussion briefly in 200 words or less to use as a prompt for future context",  # en
    "简要总结一下对话内容，用作后续的上下文提示 prompt",  # cn
    "Use the language used by the user (e.g. en-us for english conversation, zh-hant for chinese conversation",  # tw
    "対話の内容を簡潔に要約し、後続のコンテキストプロンプトとして使用します",  # jp
    "대화 내용을 간략히 요약하여 후속 컨텍스트 프롬프트로 사용하세요",  # ko
    "Fassen Sie den Gesprächsinhalt zusammen, um als Kontextaufforderung für den nächsten Schritt zu dienen",  # de
    "Faites un résumé succinct de la discussion, à utiliser comme prompt de contexte ultérieur",  # fr
    "Resume brevemente el contenido de la conversación para usar como un prompt de contexto",  # es
    "Riassumi brevemente il contenuto della conversazione come prompt di contesto per il seguito",  # it
    "Resuma a discussão brevemente em 200 palavras ou menos para usar como um prompt para o contexto futuro",  # pt
    "Кратко подведите итоги содержимого беседы для использования в качестве последующего контекстного запроса",  # ru
    "Sohbet içeriğini kısaca özetleyin, bu özet sonraki bağlam ipucu olarak kullanılacaktır",  # tr
    "Stručně shrňte obsah konverzace jako kontextový prompt pro budoucí použití",  # cs
    "Stručne zhrňte diskusiu na menej ako 200 slov, aby ste ju mohli použiť ako výzvu pre budúci kontext",  # sk
    "Berikan ringkasan singkat tentang konten obrolan, untuk digunakan sebagai prompt konteks selanjutnya",  # id
    "Skriv et kort resumé (under 200 ord) af vores samtale til senere brug",  # da
    "Oppsummer samtalen kort som en kontekstuell prompt for fremtidige referanser",  # no
    "Tóm tắt nội dung cuộc trò chuyện một cách ngắn gọn, dùng làm gợi ý ngữ cảnh cho các lần sau",  # vi
    "قم بتلخيص محتوى الدردشة باختصار، لاستخدامه كإشارة سياقية لاحقة",  # ar
    "আলোচনার বিষয়বস্তু সংক্ষিপ্তভাবে সারাংশ করুন, পরবর্তী কনটেক্সট প্রম্পট হিসেবে ব্যবহারের জন্য",  # bn
)


def _after_the_answer(conversation: Conversation) -> Chore | None:
    """NextChat's memory in any language: a system message at the end, after an answered prompt.

    ChatGPTNextWeb/NextChat, app/store/chat.ts, summarizeSession. After an unanswered prompt, a system message is a
    setting for that prompt.
    """
    if conversation.messages[-1].role not in SYSTEM_ROLES or conversation.last_user is None:
        return None
    before = next(m for m in reversed(conversation.messages) if m.role not in SYSTEM_ROLES)
    return Chore("summary", summary(prompts_of(conversation))) if before.role == "assistant" else None


_NEXT_CHAT_KEYS = frozenset(
    ("messages", "stream", "model", "temperature", "presence_penalty", "frequency_penalty", "top_p")
)


def _next_chat_title(conversation: Conversation) -> Chore | None:
    """NextChat's title in any language.

    The request has exactly NextChat's fields, is not streamed, and follows one of our pictures
    (ChatGPTNextWeb/NextChat, app/client/platforms/openai.ts). Users' messages are always sent with `stream: true`
    (app/store/chat.ts, onUserInput).
    """
    if conversation.streamed is not False or conversation.fields != _NEXT_CHAT_KEYS:
        return None
    match conversation.messages:
        case (*_, Message(role="assistant") as drawn, Message(role="user")) if _is_ours(drawn):
            return Chore("title", title(prompts_of(conversation)))
    return None


def _is_ours(message: Message) -> bool:
    return any(ids_in_text(message.text))


RULES: tuple[Rule, ...] = (
    TextRule(Stage.START, "title", title, _NEXT_CHAT_TITLES),
    TextRule(Stage.START, "summary", summary, _NEXT_CHAT_SUMMARIES),
    Recogniser(Stage.FORM, _after_the_answer),
    Recogniser(Stage.FORM, _next_chat_title),
)
