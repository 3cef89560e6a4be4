"""The sentences that users read, in eight languages. The English ones are the contract."""

from collections.abc import Mapping
from typing import NamedTuple


class Words(NamedTuple):
    """The sentences of one language. `{}` is a placeholder."""

    original_prompt: str
    prompt_model: str
    no_writer: str
    """Replaces the model's name if no model rewrote the prompt."""
    optimized_prompt: str
    size: str
    success: str
    result: str
    alt: str
    """Alternative text of the picture in Markdown."""
    writer_failed: str
    rewrite_refused: str
    some_failed: str
    """Placeholders: how many failed, of how many, and why the first one did."""
    enlarged: str
    not_upright: str
    images_ignored: str
    links_ignored: str
    seed_ignored: str
    not_stored: str
    follow_up_expired: str
    follow_up_unsupported: str
    model_unknown: str
    fields_ignored: str
    """Placeholder: the names of the fields."""


_EN = Words(
    original_prompt="🎨 Original prompt: {}",
    prompt_model="💬 Prompt generation model: {}",
    no_writer="Original Prompt",
    optimized_prompt="🌐 Optimized prompt: {}",
    size="📐 Image specifications: {}",
    success="🌟 Image generation successful!",
    result="Here's the result:",
    alt="Generated Image",
    writer_failed="⚠️ The prompt writer gave no usable answer; the original prompt was drawn.",
    rewrite_refused="⚠️ The safety filter refused the rewritten prompt; the original was drawn.",
    some_failed="⚠️ {} of {} pictures could not be drawn: {}",
    enlarged="⚠️ The picture was enlarged to this size: the model draws smaller ones.",
    not_upright="⚠️ A picture that was sent lies on its side and could not be rotated here; it was used as it is.",
    images_ignored="⚠️ The attached pictures were not used: this model takes none.",
    links_ignored="⚠️ Linked pictures were not used: only pictures inside the message are read.",
    seed_ignored="⚠️ This model takes no seed; the seed was not used.",
    not_stored="⚠️ The picture could not be stored; it is part of this message instead of a link.",
    follow_up_expired="⚠️ The earlier picture could not be read, it may have expired; a new picture was drawn.",
    follow_up_unsupported="⚠️ The earlier picture was not edited, because this model takes no pictures; a new picture was drawn.",
    model_unknown="⚠️ The image tool's model is unknown here; {} was used.",
    fields_ignored="⚠️ Not used, because it cannot be followed here: {}.",
)

LANGUAGES: Mapping[str, Words] = {
    "en": _EN,
    "zh-CN": Words(
        original_prompt="🎨 原始提示词：{}",
        prompt_model="💬 提示词生成模型：{}",
        no_writer="原始提示词",
        optimized_prompt="🌐 优化后的提示词：{}",
        size="📐 图像规格：{}",
        success="🌟 图像生成成功！",
        result="以下是结果：",
        alt="生成的图像",
        writer_failed="⚠️ 提示词模型没有给出可用的回答；已使用原始提示词绘制。",
        rewrite_refused="⚠️ 安全过滤器拒绝了改写后的提示词；已使用原始提示词绘制。",
        some_failed="⚠️ {} 张图片未能绘制（共 {} 张）：{}",
        enlarged="⚠️ 图片已放大到此尺寸：该模型绘制的图片较小。",
        not_upright="⚠️ 发送的一张图片是侧放的，此处无法旋转；已按原样使用。",
        images_ignored="⚠️ 未使用附带的图片：该模型不接受图片。",
        links_ignored="⚠️ 未使用链接的图片：只读取消息中直接包含的图片。",
        seed_ignored="⚠️ 该模型不支持随机种子；种子未生效。",
        not_stored="⚠️ 图片无法保存；它已直接嵌入本条消息，而不是链接。",
        follow_up_expired="⚠️ 无法读取之前的图片（可能已过期）；已绘制一张新图片。",
        follow_up_unsupported="⚠️ 该模型不接受图片，未编辑之前的图片；已绘制一张新图片。",
        model_unknown="⚠️ 这里没有图像工具所指定的模型；已使用 {}。",
        fields_ignored="⚠️ 未使用，因为这里无法实现：{}。",
    ),
    "zh-TW": Words(
        original_prompt="🎨 原始提示詞：{}",
        prompt_model="💬 提示詞生成模型：{}",
        no_writer="原始提示詞",
        optimized_prompt="🌐 最佳化後的提示詞：{}",
        size="📐 圖像規格：{}",
        success="🌟 圖像生成成功！",
        result="以下是結果：",
        alt="生成的圖像",
        writer_failed="⚠️ 提示詞模型沒有給出可用的回答；已使用原始提示詞繪製。",
        rewrite_refused="⚠️ 安全過濾器拒絕了改寫後的提示詞；已使用原始提示詞繪製。",
        some_failed="⚠️ {} 張圖片未能繪製（共 {} 張）：{}",
        enlarged="⚠️ 圖片已放大到此尺寸：此模型繪製的圖片較小。",
        not_upright="⚠️ 傳送的一張圖片是側放的，此處無法旋轉；已按原樣使用。",
        images_ignored="⚠️ 未使用附帶的圖片：此模型不接受圖片。",
        links_ignored="⚠️ 未使用連結的圖片：只讀取訊息中直接包含的圖片。",
        seed_ignored="⚠️ 此模型不支援隨機種子；種子未生效。",
        not_stored="⚠️ 圖片無法儲存；它已直接嵌入本則訊息，而不是連結。",
        follow_up_expired="⚠️ 無法讀取先前的圖片（可能已過期）；已繪製一張新圖片。",
        follow_up_unsupported="⚠️ 此模型不接受圖片，未編輯先前的圖片；已繪製一張新圖片。",
        model_unknown="⚠️ 這裡沒有圖像工具所指定的模型；已使用 {}。",
        fields_ignored="⚠️ 未使用，因為這裡無法實現：{}。",
    ),
    "ja": Words(
        original_prompt="🎨 元のプロンプト：{}",
        prompt_model="💬 プロンプト生成モデル：{}",
        no_writer="元のプロンプト",
        optimized_prompt="🌐 最適化されたプロンプト：{}",
        size="📐 画像の仕様：{}",
        success="🌟 画像の生成に成功しました！",
        result="結果はこちらです：",
        alt="生成された画像",
        writer_failed=("⚠️ プロンプト生成モデルから使える回答が得られなかったため、元のプロンプトで描画しました。"),
        rewrite_refused=("⚠️ 書き換えたプロンプトが安全フィルターに拒否されたため、元のプロンプトで描画しました。"),
        some_failed="⚠️ {} 枚の画像を描画できませんでした（全 {} 枚）：{}",
        enlarged="⚠️ このモデルが描く画像は小さいため、このサイズに拡大しました。",
        not_upright="⚠️ 送られた画像は横向きですが、ここでは回転できないため、そのまま使用しました。",
        images_ignored="⚠️ 添付された画像は使用されませんでした：このモデルは画像を受け取れません。",
        links_ignored="⚠️ リンクされた画像は使用されませんでした：メッセージに含まれる画像だけを読み取ります。",
        seed_ignored="⚠️ このモデルはシードに対応していないため、シードは使用されませんでした。",
        not_stored="⚠️ 画像を保存できなかったため、リンクではなくこのメッセージに直接含めました。",
        follow_up_expired="⚠️ 以前の画像を読み取れませんでした（期限切れの可能性があります）。新しい画像を描画しました。",
        follow_up_unsupported="⚠️ このモデルは画像を受け取れないため、以前の画像は編集されませんでした。新しい画像を描画しました。",
        model_unknown="⚠️ 画像ツールで指定されたモデルはここにはありません。{} を使用しました。",
        fields_ignored="⚠️ ここでは対応できないため、使用されませんでした：{}。",
    ),
    "es": Words(
        original_prompt="🎨 Indicación original: {}",
        prompt_model="💬 Modelo que redactó la indicación: {}",
        no_writer="Indicación original",
        optimized_prompt="🌐 Indicación optimizada: {}",
        size="📐 Especificaciones de la imagen: {}",
        success="🌟 ¡Imagen generada correctamente!",
        result="Este es el resultado:",
        alt="Imagen generada",
        writer_failed=("⚠️ El modelo redactor no dio una respuesta utilizable; se dibujó la indicación original."),
        rewrite_refused=("⚠️ El filtro de seguridad rechazó la indicación reescrita; se dibujó la original."),
        some_failed="⚠️ No se pudieron dibujar {} de {} imágenes: {}",
        enlarged="⚠️ La imagen se amplió a este tamaño: el modelo las dibuja más pequeñas.",
        not_upright="⚠️ Una imagen enviada está girada y no se pudo enderezar aquí; se usó tal como está.",
        images_ignored="⚠️ No se usaron las imágenes adjuntas: este modelo no las admite.",
        links_ignored="⚠️ No se usaron las imágenes enlazadas: solo se leen las incluidas en el mensaje.",
        seed_ignored="⚠️ Este modelo no admite semilla; la semilla no se usó.",
        not_stored=("⚠️ No se pudo guardar la imagen; va incluida en este mensaje en lugar de un enlace."),
        follow_up_expired="⚠️ No se pudo leer la imagen anterior, quizá haya caducado; se dibujó una imagen nueva.",
        follow_up_unsupported="⚠️ No se editó la imagen anterior porque este modelo no admite imágenes; se dibujó una nueva.",
        model_unknown="⚠️ El modelo de la herramienta de imágenes no existe aquí; se usó {}.",
        fields_ignored="⚠️ No se usó, porque aquí no es posible: {}.",
    ),
    "fr": Words(
        original_prompt="🎨 Prompt d'origine : {}",
        prompt_model="💬 Modèle de rédaction du prompt : {}",
        no_writer="Prompt d'origine",
        optimized_prompt="🌐 Prompt optimisé : {}",
        size="📐 Caractéristiques de l'image : {}",
        success="🌟 Image générée avec succès !",
        result="Voici le résultat :",
        alt="Image générée",
        writer_failed=(
            "⚠️ Le modèle de rédaction n'a pas donné de réponse utilisable ; le prompt d'origine a été dessiné."
        ),
        rewrite_refused=("⚠️ Le filtre de sécurité a refusé le prompt réécrit ; le prompt d'origine a été dessiné."),
        some_failed="⚠️ {} images sur {} n'ont pas pu être dessinées : {}",
        enlarged="⚠️ L'image a été agrandie à cette taille : le modèle en dessine de plus petites.",
        not_upright="⚠️ Une image envoyée est couchée et n'a pas pu être redressée ici ; elle a été utilisée telle quelle.",
        images_ignored="⚠️ Les images jointes n'ont pas été utilisées : ce modèle n'en accepte pas.",
        links_ignored="⚠️ Les images liées n'ont pas été utilisées : seules celles du message sont lues.",
        seed_ignored="⚠️ Ce modèle n'accepte pas de graine ; elle n'a pas été utilisée.",
        not_stored=("⚠️ L'image n'a pas pu être enregistrée ; elle est incluse dans ce message au lieu d'un lien."),
        follow_up_expired="⚠️ L'image précédente n'a pas pu être lue, elle a peut-être expiré ; une nouvelle image a été dessinée.",
        follow_up_unsupported="⚠️ L'image précédente n'a pas été modifiée, car ce modèle n'accepte pas d'images ; une nouvelle a été dessinée.",
        model_unknown="⚠️ Le modèle de l'outil d'images est inconnu ici ; {} a été utilisé.",
        fields_ignored="⚠️ Non utilisé, car impossible ici : {}.",
    ),
    "ru": Words(
        original_prompt="🎨 Исходный запрос: {}",
        prompt_model="💬 Модель, составившая запрос: {}",
        no_writer="Исходный запрос",
        optimized_prompt="🌐 Улучшенный запрос: {}",
        size="📐 Параметры изображения: {}",
        success="🌟 Изображение успешно создано!",
        result="Вот результат:",
        alt="Созданное изображение",
        writer_failed=("⚠️ Модель для запросов не дала пригодного ответа; нарисовано по исходному запросу."),
        rewrite_refused=("⚠️ Фильтр безопасности отклонил переписанный запрос; нарисовано по исходному."),
        some_failed="⚠️ Не удалось нарисовать {} из {} изображений: {}",
        enlarged="⚠️ Изображение увеличено до этого размера: модель рисует меньшие.",
        not_upright="⚠️ Присланное изображение лежит на боку, и повернуть его здесь не удалось; оно использовано как есть.",
        images_ignored="⚠️ Приложенные изображения не использованы: эта модель их не принимает.",
        links_ignored="⚠️ Изображения по ссылкам не использованы: читаются только вложенные в сообщение.",
        seed_ignored="⚠️ Эта модель не поддерживает зерно (seed); оно не использовано.",
        not_stored=("⚠️ Не удалось сохранить изображение; оно включено в это сообщение вместо ссылки."),
        follow_up_expired="⚠️ Не удалось прочитать прежнее изображение, возможно, срок его хранения истёк; нарисовано новое.",
        follow_up_unsupported="⚠️ Прежнее изображение не изменено: эта модель не принимает изображений; нарисовано новое.",
        model_unknown="⚠️ Модель, указанная для изображений, здесь неизвестна; использована {}.",
        fields_ignored="⚠️ Не использовано, так как здесь это невозможно: {}.",
    ),
    "de": Words(
        original_prompt="🎨 Ursprünglicher Prompt: {}",
        prompt_model="💬 Modell für den Prompt: {}",
        no_writer="Ursprünglicher Prompt",
        optimized_prompt="🌐 Optimierter Prompt: {}",
        size="📐 Bildgröße: {}",
        success="🌟 Bild erfolgreich erzeugt!",
        result="Hier ist das Ergebnis:",
        alt="Erzeugtes Bild",
        writer_failed=("⚠️ Das Prompt-Modell gab keine brauchbare Antwort; gezeichnet wurde der ursprüngliche Prompt."),
        rewrite_refused=(
            "⚠️ Der Sicherheitsfilter lehnte den umgeschriebenen Prompt ab; gezeichnet wurde der ursprüngliche."
        ),
        some_failed="⚠️ {} von {} Bildern konnten nicht gezeichnet werden: {}",
        enlarged="⚠️ Das Bild wurde auf diese Größe vergrößert: das Modell zeichnet kleinere.",
        not_upright="⚠️ Ein gesendetes Bild liegt auf der Seite und konnte hier nicht gedreht werden; es wurde so verwendet.",
        images_ignored="⚠️ Die angehängten Bilder wurden nicht verwendet: dieses Modell nimmt keine.",
        links_ignored="⚠️ Verlinkte Bilder wurden nicht verwendet: gelesen werden nur Bilder in der Nachricht.",
        seed_ignored="⚠️ Dieses Modell nimmt keinen Seed; er wurde nicht verwendet.",
        not_stored=(
            "⚠️ Das Bild konnte nicht gespeichert werden; es steckt in dieser Nachricht statt hinter einem Link."
        ),
        follow_up_expired="⚠️ Das frühere Bild konnte nicht gelesen werden, vielleicht ist es abgelaufen; es wurde ein neues gezeichnet.",
        follow_up_unsupported="⚠️ Das frühere Bild wurde nicht bearbeitet, weil dieses Modell keine Bilder nimmt; es wurde ein neues gezeichnet.",
        model_unknown="⚠️ Das Modell des Bildwerkzeugs gibt es hier nicht; verwendet wurde {}.",
        fields_ignored="⚠️ Nicht verwendet, weil es hier nicht möglich ist: {}.",
    ),
}
