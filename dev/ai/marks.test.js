import assert from "node:assert/strict";
import test from "node:test";

import { Breakdown, Fault, FAULTS } from "./faults.js";
import { readMarks, withoutMarks } from "./marks.js";

test("Every mark in the README is understood", () => {
  const marks = readMarks(
    "A cat [[fault 3040 x2 on lucid-origin: try later]] [[delay 1.5s]] [[hang]] [[answer html]] [[size 768x512]] " +
      "[[bytes 5mb]] [[writer long]] [[state provider_unavailable x2]] [[form base64]] [[link ok]] [[level twice]] " +
      "[[list many]]",
  );
  assert.deepEqual(marks, {
    fault: { text: undefined, code: 3040, times: 2, model: "lucid-origin", words: "try later" },
    delay: 1500,
    hang: { model: "" },
    answer: "html",
    size: { width: 768, height: 512 },
    bytes: 5_000_000,
    writer: "long",
    state: { code: "provider_unavailable", times: 2 },
    form: "base64",
    link: "ok",
    level: "twice",
    list: "many",
  });
  assert.equal(readMarks("[[fault text no code: here]]").fault.text, "no code: here");
  assert.equal(readMarks("[[fault 3030]]").fault.times, Infinity);
  assert.equal(readMarks("[[delay 250ms]]").delay, 250);
});

test("A mark that is ours and not understood is an error, and other brackets are not", () => {
  const wrong = ["[[fault]]", "[[fault 9999]]", "[[fault 3040 2x]]", "[[delay soon]]", "[[size 5]]", "[[hang up]]"];
  for (const prompt of wrong) {
    assert.throws(() => readMarks(prompt), Breakdown, prompt);
  }
  assert.deepEqual(readMarks("[[a link]] [[faults]] [fault 3040] [[]]"), {});
});

test("Marks can be taken out of a prompt", () => {
  assert.equal(withoutMarks("A cat [[delay 1s]] and [[a link]] [[writer long]]"), "A cat and [[a link]]");
  assert.equal(withoutMarks("A [[delay 1s]] cat [[writer long]]", ["writer"]), "A [[delay 1s]] cat");
});

test("Every fault has its code, status and text in each shape that callers see", async () => {
  for (const { code, status, description } of FAULTS.values()) {
    const fault = new Fault(code);
    assert.equal(fault.exception().name, "AiError");
    assert.equal(fault.exception().message, `${code}: ${description}`);
    const rest = fault.restResponse();
    assert.equal(rest.status, status);
    const { errors, success } = await rest.json();
    assert.equal(success, false);
    assert.equal(errors[0].code, code);
    assert.ok(errors[0].message.startsWith("AiError: ") && errors[0].message.includes(description));
    const inner = await fault.response().json();
    assert.deepEqual([inner.internalCode, inner.httpCode, inner.description], [code, status, description]);
  }
});
