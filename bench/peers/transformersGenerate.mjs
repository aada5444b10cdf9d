// The transformers.js side of `node dist/bench/generate.js`: generate() on an ONNX export of the same weights.
//
// Reads one JSON line {folder, threads, prompts, newTokens}, then a line a round: the number of rows to decode at once,
// which are the first so many prompts, padded on the left. Answers each with {seconds, tokens} as JSON. The package is
// found from the folder in TRIPOST_TRANSFORMERS_JS.
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

const require = createRequire(join(process.env.TRIPOST_TRANSFORMERS_JS, 'from-here.js'));
const loaded = await import(pathToFileURL(require.resolve('@huggingface/transformers')).href);
const { AutoModelForCausalLM, Tensor, env } = loaded.default ?? loaded;

const say = (answer) => process.stdout.write(`${JSON.stringify(answer)}\n`);
let setup;
for await (const line of createInterface({ input: process.stdin })) {
  if (setup === undefined) {
    const { folder, threads, prompts, newTokens } = JSON.parse(line);
    env.allowRemoteModels = false;
    env.localModelPath = dirname(folder);
    const model = await AutoModelForCausalLM.from_pretrained(basename(folder), {
      dtype: 'fp32',
      device: 'cpu',
      local_files_only: true,
      session_options: { intraOpNumThreads: threads, interOpNumThreads: 1 },
    });
    setup = { model, prompts, newTokens };
    say({ version: env.version });
    continue;
  }
  const prompts = setup.prompts.slice(0, Number(line));
  const longest = Math.max(...prompts.map((prompt) => prompt.length));
  const padded = (fill, of) =>
    BigInt64Array.from(
      prompts.flatMap((prompt) => [...Array(longest - prompt.length).fill(fill), ...prompt.map(of)]),
      BigInt,
    );
  const dims = [prompts.length, longest];
  const start = performance.now();
  const output = await setup.model.generate({
    inputs: new Tensor(
      'int64',
      padded(0, (id) => id),
      dims,
    ),
    attention_mask: new Tensor(
      'int64',
      padded(0, () => 1),
      dims,
    ),
    max_new_tokens: setup.newTokens,
    do_sample: true,
    temperature: 1,
    top_k: 0,
    eos_token_id: null,
  });
  const tokens = output.dims[0] * (output.dims[1] - longest);
  say({ seconds: (performance.now() - start) / 1000, tokens });
}
