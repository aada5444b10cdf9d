import * as TE from 'fp-ts/TaskEither';
import * as E from 'fp-ts/Either';
import * as t from 'io-ts';
import { clientOf } from './client';
import { recordingFetch } from './recordingFetch';
import { readError } from './replies';
import type { OpenAiSettings } from './settings';
import { transportFailure } from './transportFailure';

const ModelList = t.type({ data: t.array(t.type({ id: t.string }, 'Model')) }, 'ModelList');

const mebi = 2 ** 20;

/** The names of the models that a server says it has, or why it says nothing of use. */
export const listModels =
  (settings: OpenAiSettings): TE.TaskEither<string, readonly string[]> =>
  async () => {
    const recorder = recordingFetch(globalThis.fetch, 16 * mebi);
    const client = clientOf(settings, recorder.fetch);
    const { status, response, failure } = await recorder.record(async (headers) => {
      await client.get('/models', { headers }).asResponse();
    });
    if (failure !== undefined) {
      const { kind, message } = transportFailure(failure, { begun: status !== null });
      return E.left(`${kind}: ${message}`);
    }
    const text = new TextDecoder().decode(response ?? new Uint8Array());
    if (status !== 200) {
      const { kind, message } = readError(status ?? 0, text);
      return E.left(`${kind}: ${message}`);
    }
    const value = E.tryCatch(
      (): unknown => JSON.parse(text),
      () => undefined,
    );
    const decoded = E.isRight(value) ? ModelList.decode(value.right) : undefined;
    if (decoded === undefined || E.isLeft(decoded)) return E.left('bad-shape: expected {data: [{id}]}');
    return E.right(decoded.right.data.map(({ id }) => id));
  };
