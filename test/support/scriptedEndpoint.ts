import * as E from 'fp-ts/Either';
import type { Answer, AttemptFailure, Endpoint, FailureKind, PlannedCall } from '../../src/ports/endpoint';
import type { CompletionRequest } from '../../src/ports/languageModel';
import type { VirtualClock } from './virtualClock';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

export const failing = (kind: FailureKind, changed: Partial<AttemptFailure> = {}): E.Either<AttemptFailure, Answer> =>
  E.left({
    kind,
    status: null,
    retryAfter: null,
    message: `it was ${kind}`,
    exchange: { request: bytes('{"asked":1}'), response: null, latencyMs: 5 },
    ...changed,
  });

export const answering = (text: string, changed: Partial<Answer> = {}): E.Either<AttemptFailure, Answer> =>
  E.right({
    samples: [{ text, finish: 'eos', tokenIds: null, logprobs: null }],
    model: 'm-2026',
    systemFingerprint: null,
    usage: { promptTokens: 10, completionTokens: 5, cachedPromptTokens: 0 },
    exchange: { request: bytes(`{"asked":"${text}"}`), response: bytes(`{"said":"${text}"}`), latencyMs: 7 },
    ...changed,
  });

/** When an attempt began and ended. */
export interface Attempted {
  readonly prompt: string;
  readonly from: number;
  to: number;
}

/** An endpoint that does as it is told for each prompt and attempt, and takes its time. */
export class ScriptedEndpoint implements Endpoint {
  readonly model = 'm';
  readonly where = 'http://scripted/v1';
  readonly secrets: string[] = [];
  readonly attempts: Attempted[] = [];
  private readonly times = new Map<string, number>();

  constructor(
    private readonly clock: VirtualClock,
    private readonly script: (prompt: string, attempt: number) => E.Either<AttemptFailure, Answer>,
    private readonly takes: (prompt: string) => number = () => 100,
  ) {}

  plan(request: CompletionRequest): ReturnType<Endpoint['plan']> {
    const { prompt, samples = 1, stop = [] } = request;
    const text = typeof prompt === 'string' ? prompt : prompt.map(({ content }) => content).join('\n');
    return E.right({ path: '/completions', body: { prompt: text }, samples, stop });
  }

  async attempt({ body }: PlannedCall): Promise<E.Either<AttemptFailure, Answer>> {
    const prompt = typeof body['prompt'] === 'string' ? body['prompt'] : '';
    const attempted: Attempted = { prompt, from: this.clock.now(), to: Infinity };
    this.attempts.push(attempted);
    const time = this.times.get(prompt) ?? 0;
    this.times.set(prompt, time + 1);
    await this.clock.sleep(this.takes(prompt));
    attempted.to = this.clock.now();
    return this.script(prompt, time);
  }

  /** The most attempts that were under way at one moment. */
  most(): number {
    const moments = this.attempts.map(({ from }) => from);
    return Math.max(...moments.map((at) => this.attempts.filter(({ from, to }) => from <= at && at < to).length));
  }
}
