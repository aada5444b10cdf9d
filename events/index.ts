import * as E from 'fp-ts/Either';
import type * as t from 'io-ts';
import { PathReporter } from 'io-ts/PathReporter';
import { ablationStarted } from './ablationStarted';
import { answerVerified } from './answerVerified';
import { attemptMade } from './attemptMade';
import { callFailed } from './callFailed';
import { checkpointRegistered } from './checkpointRegistered';
import { checkpointWritten } from './checkpointWritten';
import { claimEnded } from './claimEnded';
import { claimKept } from './claimKept';
import { collectionStarted } from './collectionStarted';
import { datasetDerived } from './datasetDerived';
import { datasetImported } from './datasetImported';
import { evaluationRecorded } from './evaluationRecorded';
import { eventRetracted } from './eventRetracted';
import { feedbackGiven } from './feedbackGiven';
import { generationProduced } from './generationProduced';
import { improvementProduced } from './improvementProduced';
import { iterationCompleted } from './iterationCompleted';
import { iterationScored } from './iterationScored';
import { iterationStarted } from './iterationStarted';
import { labelGiven } from './labelGiven';
import { ledgerSealed } from './ledgerSealed';
import { problemPosed } from './problemPosed';
import { runResumed } from './runResumed';
import { runStarted } from './runStarted';
import { stepRecorded } from './stepRecorded';
import { trainingCompleted } from './trainingCompleted';
import { trainingStarted } from './trainingStarted';
import { trajectoryClosed } from './trajectoryClosed';
import { turnRefused } from './turnRefused';
import { workClaimed } from './workClaimed';
import type { EventDefinition } from './defineEvent';
import type { RecordedEvent, StoredEvent } from './envelope';

/** Every event type there is, by name. Adding one is a file and a line here. */
export const definitions = {
  RunStarted: runStarted,
  RunResumed: runResumed,
  IterationStarted: iterationStarted,
  IterationScored: iterationScored,
  IterationCompleted: iterationCompleted,
  ProblemPosed: problemPosed,
  CollectionStarted: collectionStarted,
  WorkClaimed: workClaimed,
  ClaimKept: claimKept,
  ClaimEnded: claimEnded,
  GenerationProduced: generationProduced,
  AttemptMade: attemptMade,
  FeedbackGiven: feedbackGiven,
  ImprovementProduced: improvementProduced,
  AnswerVerified: answerVerified,
  TurnRefused: turnRefused,
  TrajectoryClosed: trajectoryClosed,
  CallFailed: callFailed,
  DatasetDerived: datasetDerived,
  DatasetImported: datasetImported,
  TrainingStarted: trainingStarted,
  StepRecorded: stepRecorded,
  CheckpointWritten: checkpointWritten,
  CheckpointRegistered: checkpointRegistered,
  TrainingCompleted: trainingCompleted,
  EvaluationRecorded: evaluationRecorded,
  AblationStarted: ablationStarted,
  EventRetracted: eventRetracted,
  LabelGiven: labelGiven,
  LedgerSealed: ledgerSealed,
} as const;

type Definitions = typeof definitions;
export type EventType = keyof Definitions;
export type EventData<Type extends EventType> = t.TypeOf<Definitions[Type]['codec']>;

/** A recorded event whose data has been decoded into today's shape. */
export type LedgerEvent = {
  [Type in EventType]: Omit<RecordedEvent, 'type' | 'data'> & { readonly type: Type; readonly data: EventData<Type> };
}[EventType];

/** Why an event could not be read. The ledger is not changed by it. */
export interface DecodeError {
  readonly tag: 'UnknownType' | 'UnknownVersion' | 'BadData';
  readonly eventId: string;
  readonly stream: string;
  readonly revision: number;
  readonly type: string;
  readonly version: number;
  readonly details: readonly string[];
}

/** A definition with its data type forgotten, for code that goes over all of them. */
export const definitionOf = (type: EventType): EventDefinition<string, unknown> =>
  // A definition takes back only data that it has decoded itself, so forgetting the type of the data is safe.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  definitions[type] as EventDefinition<string, unknown>;

const isKnown = (type: string): type is EventType => Object.prototype.hasOwnProperty.call(definitions, type);

type Names = Pick<RecordedEvent, 'id' | 'type' | 'version' | 'stream' | 'revision'>;

const undecodable = (event: Names, tag: DecodeError['tag'], details: readonly string[]): DecodeError => {
  const { id: eventId, stream, revision, type, version } = event;
  return { tag, eventId, stream, revision, type, version, details };
};

/** The data of an event of some version in today's shape, decoded by its type's codec, or why it cannot be. */
const decodeData = (event: Names, data: unknown): E.Either<DecodeError, unknown> => {
  const { type, version } = event;
  if (!isKnown(type))
    return E.left(undecodable(event, 'UnknownType', [`known types: ${Object.keys(definitions).join(', ')}`]));
  const definition = definitionOf(type);
  const decoded = definition.decode(version, data);
  if (E.isRight(decoded)) return decoded;
  if (decoded.left !== 'unknown-version')
    return E.left(undecodable(event, 'BadData', PathReporter.report(E.left(decoded.left))));
  return E.left(undecodable(event, 'UnknownVersion', [`known versions: 1 to ${definition.version}`]));
};

/** Decodes by (type, version): any version ever written, into today's shape. */
export const decodeEvent = (event: RecordedEvent): E.Either<DecodeError, LedgerEvent> => {
  const decoded = decodeData(event, event.data);
  if (E.isLeft(decoded)) return decoded;
  // The codec of this very type has decoded the data.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return E.right({ ...event, data: decoded.right } as LedgerEvent);
};

/** Whether this version knows an event's type and version; one that is left out of a fold must be known too. */
export const isKnownEvent = ({ type, version }: { readonly type: string; readonly version: number }): boolean =>
  isKnown(type) && version >= 1 && version <= definitions[type].version;

/** Parses an event's text and decodes it. What was observed is not in it. */
export const decodeStored = (event: StoredEvent): E.Either<DecodeError, LedgerEvent> => {
  let data: unknown;
  try {
    data = JSON.parse(event.dataText);
  } catch (failure) {
    const message = `the data is not JSON: ${failure instanceof Error ? failure.message : ''}`;
    return E.left(undecodable(event, 'BadData', [message]));
  }
  const decoded = decodeData(event, data);
  if (E.isLeft(decoded)) return decoded;
  // Field by field: leaving one out of a copy takes as long as parsing a small event.
  const { position, stream, revision, id, type, version, meta, leaf, recordedAt } = event;
  const names = { position, stream, revision, id, type, version, data: decoded.right, meta, leaf, recordedAt };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the codec of this very type has decoded the data
  return E.right({ ...names, observed: null } as LedgerEvent);
};
