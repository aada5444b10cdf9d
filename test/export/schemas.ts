import * as t from 'io-ts';

/**
 * The documented form of each format's lines, written from the pages named here and not from the exporters. Exact: a line
 * may have no other fields, our provenance columns aside where the reader takes any.
 */

const provenance = {
  row_id: t.string,
  problem_id: t.string,
  trajectory_id: t.union([t.string, t.null]),
  bucket: t.string,
  iteration: t.union([t.number, t.null]),
  end_of_text: t.boolean,
  sections: t.array(
    t.strict({
      kind: t.string,
      start: t.number,
      end: t.number,
      weight: t.number,
      event_id: t.string,
      author: t.union([t.string, t.null]),
    }),
  ),
  dataset: t.string,
  policy: t.union([t.string, t.null]),
  policy_digest: t.union([t.string, t.null]),
  ledger_size: t.union([t.number, t.null]),
  ledger_root: t.union([t.string, t.null]),
};

export const ProvenanceLine = t.strict(provenance);

const role = t.keyof({ system: null, user: null, assistant: null });

/** https://huggingface.co/docs/trl/dataset_formats, "Prompt-completion", standard. */
export const Trl = t.strict({ prompt: t.string, completion: t.string, ...provenance });

/** https://huggingface.co/docs/trl/dataset_formats, "Language modeling", conversational. */
export const Messages = t.strict({ messages: t.array(t.strict({ role, content: t.string })), ...provenance });

/** https://docs.axolotl.ai/docs/dataset-formats/template_free.html. */
export const Axolotl = t.strict({ segments: t.array(t.strict({ label: t.boolean, text: t.string })), ...provenance });

/** https://github.com/hiyouga/LLaMA-Factory/blob/main/data/README.md, "Sharegpt Format". */
export const Sharegpt = t.strict({
  conversations: t.array(t.strict({ from: t.keyof({ human: null, gpt: null }), value: t.string })),
  ...provenance,
});

/** https://github.com/tatsu-lab/stanford_alpaca, "Data Release". */
export const Alpaca = t.strict({ instruction: t.string, input: t.string, output: t.string, ...provenance });

/** https://github.com/openai/openai-openapi: FineTuneChatRequestInput with FineTuneChatCompletionRequestAssistantMessage. */
export const Openai = t.strict({
  messages: t.array(
    t.union([
      t.strict({ role: t.literal('user'), content: t.string }),
      t.strict({ role: t.literal('assistant'), content: t.string, weight: t.union([t.literal(0), t.literal(1)]) }),
    ]),
  ),
});
