import assert from "node:assert/strict";
import { test } from "node:test";
import { PRESETS } from "../../js/echo/presets.js";

test("a long preset has as many messages as it says, all different", () => {
  for (const preset of PRESETS) {
    if (!("messages" in preset)) continue;
    const messages = [...preset.messages()];
    assert.equal(messages.length, preset.count, preset.id);
    assert.equal(new Set(messages).size, preset.count, preset.id);
  }
});
