import * as E from 'fp-ts/Either';
import * as t from 'io-ts';
import { Count, JsonValue } from '../events/codecs';
import { canonicalJson, isMapping, type Json } from '../events/digest';
import type { LedgerEvent } from '../events/index';

/**
 * A named, versioned, pure fold over the ledger. `apply` may change the state it is given and nothing else; `view` must
 * not depend on how events of different streams were interleaved. `toJson` is the whole state: a fold that is stopped
 * anywhere and resumed from it ends in the same bytes. Raise `version` when old saved states no longer fit.
 */
export interface Projection<State, View> {
  readonly name: string;
  readonly version: number;
  readonly initial: () => State;
  readonly apply: (state: State, event: LedgerEvent) => void;
  readonly view: (state: State) => View;
  readonly toJson: (state: State) => Json;
  readonly fromJson: (json: Json) => State;
}

/** Folds events onto a state (a fresh one unless given) and returns that state. */
export const foldEvents = <State, View>(
  projection: Projection<State, View>,
  events: Iterable<LedgerEvent>,
  state: State = projection.initial(),
): State => {
  for (const event of events) projection.apply(state, event);
  return state;
};

/** What a projection shows after these events. */
export const project = <State, View>(projection: Projection<State, View>, events: Iterable<LedgerEvent>): View =>
  projection.view(foldEvents(projection, events));

/** A state as canonical JSON text that names its projection and version. */
export const saveState = <State, View>(projection: Projection<State, View>, state: State): string =>
  canonicalJson({ projection: projection.name, version: projection.version, state: projection.toJson(state) });

const SavedState = t.strict({ projection: t.string, version: Count, state: JsonValue }, 'SavedState');

/** Reads what saveState wrote; refuses a state of another projection or another version. */
export const loadState = <State, View>(projection: Projection<State, View>, text: string): E.Either<string, State> => {
  const wanted = `${projection.name}@${projection.version}`;
  const json = E.tryCatch(
    (): unknown => JSON.parse(text),
    () => `Not a saved state of ${wanted}: not JSON.`,
  );
  if (E.isLeft(json)) return json;
  const saved = SavedState.decode(json.right);
  if (E.isLeft(saved)) return E.left(`Not a saved state of ${wanted}.`);
  const got = `${saved.right.projection}@${saved.right.version}`;
  if (got !== wanted) return E.left(`Saved state is of ${got}, this code folds ${wanted}: fold from the start.`);
  return E.right(projection.fromJson(saved.right.state));
};

/** Order by UTF-16 code units: the same on every machine, unlike localeCompare. */
export const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Adds to the list under a key, which begins with its first value. */
export const pushTo = <K, V>(map: Map<K, V[]>, key: K, value: V): void => {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
};

/** A map as JSON: a deep copy, entries sorted by key. */
export const mapToJson = (map: ReadonlyMap<string, unknown>): Json => {
  const json: Json = JSON.parse(JSON.stringify([...map].sort((a, b) => byText(a[0], b[0]))));
  return json;
};

/** The map that mapToJson put under a key; its values are trusted to have the type the projection's version gives them. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller's fields say what V is
export const mapFromJson = <V>(json: Json, key: string): Map<string, V> => {
  const kept = isMapping(json) ? json[key] : undefined;
  const entries: readonly (readonly [string, V])[] = JSON.parse(JSON.stringify(kept ?? []));
  return new Map(entries);
};
