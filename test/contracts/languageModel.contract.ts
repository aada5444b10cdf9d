import * as E from 'fp-ts/Either';
import type { Completion, CompletionRequest, LanguageModel } from '../../src/ports/languageModel';
import { must, the } from '../support/events';

export interface ModelUnderTest {
  readonly model: LanguageModel;
  readonly close?: () => Promise<void>;
  /** A served model is asked by whoever serves it, one of our own says what each completion is made of. */
  readonly served: boolean;
  /** Whether it answers conversations. */
  readonly chat: boolean;
}

const request = (prompt: string, changed: Partial<CompletionRequest> = {}): CompletionRequest => ({
  prompt,
  sampling: { temperature: 1, topK: null, topP: null, maxTokens: 12 },
  key: ['contract', prompt],
  ...changed,
});

const prompts = ['Q: 1 + 1', 'Q: 2', 'Q: and then?', 'Q', 'Q: 1 + 2', 'Q: three'];

/** Everything that a language model must do, whatever it is made of. Its answers must be repeatable. */
export const languageModelContract = (name: string, open: () => Promise<ModelUnderTest>): void => {
  describe(`LanguageModel contract: ${name}`, () => {
    let under: ModelUnderTest;
    beforeAll(async () => {
      under = await open();
    });
    afterAll(() => under.close?.());

    const complete = async (requests: readonly CompletionRequest[]): Promise<readonly Completion[]> =>
      must(await under.model.complete(requests)());

    /** What a completion says, without what differs from call to call. */
    const said = ({ text, finish }: Completion) => ({ text, finish });

    it('answers in request order, the same whatever else is asked', async () => {
      const requests = prompts.map((prompt) => request(prompt));
      const together = await complete(requests);
      expect(together).toHaveLength(requests.length);
      const alone: Completion[] = [];
      for (const one of requests.toReversed()) alone.unshift(...(await complete([one])));
      expect(alone.map(said)).toEqual(together.map(said));
      expect(new Set(together.map(({ text }) => text)).size).toBeGreaterThan(1);
    });

    it('asked nothing answers nothing', async () => {
      expect(await complete([])).toEqual([]);
    });

    it('gives as many samples as asked, one behind the other, each with draws of its own', async () => {
      const [before, three, after] = ['Q: 1 + 1', 'Q: 2', 'Q: three'] as const;
      const all = await complete([request(before), request(three, { samples: 3 }), request(after)]);
      expect(all).toHaveLength(5);
      const [first, , last] = [all[0], all[1], all[4]].map((one) => said(the(one)));
      expect([first, last]).toEqual((await complete([request(before), request(after)])).map(said));
      expect(new Set(all.slice(1, 4).map(({ text }) => text)).size).toBeGreaterThan(1);
    });

    it('stops at maxTokens with finish length, and says how many tokens it took', async () => {
      for (const maxTokens of [1, 3]) {
        const sampling = { temperature: 1, topK: null, topP: null, maxTokens };
        const all = await complete(prompts.map((prompt) => request(prompt, { sampling })));
        expect(all.some(({ finish }) => finish === 'length')).toBe(true);
        for (const { finish, usage } of all) {
          expect(the(usage ?? undefined).completionTokens).toBeLessThanOrEqual(maxTokens);
          if (finish === 'length') expect(usage?.completionTokens).toBe(maxTokens);
          expect(the(usage ?? undefined).promptTokens).toBeGreaterThan(0);
        }
      }
    });

    it('ends before a stop text, which is not in the completion', async () => {
      const whole = await complete(prompts.map((prompt) => request(prompt)));
      for (const [i, { text }] of whole.entries()) {
        const stop = text.slice(2, 4);
        if (stop.trim().length < 2) continue;
        const [short] = await complete([request(the(prompts[i]), { stop: [stop, 'never to be met'] })]);
        expect(the(short).text).toBe(text.slice(0, text.indexOf(stop)));
        expect(the(short).finish).toBe('stop');
      }
    });

    it('gives log-probabilities where asked: numbers up to 0', async () => {
      for (const { logprobs } of await complete(prompts.map((prompt) => request(prompt, { logprobs: true })))) {
        expect(logprobs).not.toBeNull();
        expect(logprobs?.every((value) => value <= 0)).toBe(true);
      }
    });

    it('refuses settings under which nothing can be drawn', async () => {
      for (const bad of [{ temperature: -1 }, { topK: 0 }, { topP: 0 }]) {
        const sampling = { ...request('x').sampling, ...bad };
        expect(await under.model.complete([request('Q'), request('Q: 2', { sampling })])()).toMatchObject(
          E.left({ tag: 'BadSampling' }),
        );
      }
    });

    it('answers a conversation, or says that it cannot', async () => {
      const result = await under.model.complete([{ ...request(''), prompt: [{ role: 'user', content: 'Hello' }] }])();
      if (under.chat) expect(the(must(result)[0]).text).not.toBe('');
      else expect(result).toMatchObject(E.left({ tag: 'RequestUnsupported' }));
    });

    it('is interrupted by a signal, and then gives nothing', async () => {
      expect(await under.model.complete([request('Q')], AbortSignal.abort())()).toEqual(E.left({ tag: 'Interrupted' }));
    });

    it('tells an observer of every request what it returns for it', async () => {
      const told = new Map<number, readonly Completion[]>();
      const all = must(
        await under.model.complete([request('Q: 1 + 1'), request('Q: 2', { samples: 2 })], undefined, {
          answered: async (index, completions) => void told.set(index, completions),
        })(),
      );
      expect([...(told.get(0) ?? []), ...(told.get(1) ?? [])]).toEqual(all);
      expect(told.size).toBe(2);
    });

    it('says which model it is, and what a completion was made of', async () => {
      const [one] = await complete([request('Q')]);
      const { served, tokenIds } = the(one);
      expect(under.model.ref.kind).toBe(under.served ? 'endpoint' : 'checkpoint');
      expect([served === undefined, tokenIds === null]).toEqual([!under.served, under.served]);
      expect(under.model.batch).toBeGreaterThan(0);
    });
  });
};
