import { Metadata, status, type ServiceError } from '@grpc/grpc-js';
import { Empty as GoogleEmpty } from 'google-protobuf/google/protobuf/empty_pb';
import { Any } from 'google-protobuf/google/protobuf/any_pb';
import { Timestamp } from 'google-protobuf/google/protobuf/timestamp_pb';
import {
  AllStreamPosition,
  Empty,
  MaximumAppendSizeExceeded,
  StreamIdentifier,
  Timeout,
  UUID,
  WrongExpectedVersion,
} from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/shared_pb';
import { Status } from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/status_pb';
import {
  AppendResp,
  BatchAppendResp,
  ReadResp,
} from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/streams_pb';
import type { Expected, Stored } from './store';

/** A refusal as a gRPC status. `exception` and the like go into the trailers, where the client looks for them. */
export const refusal = (
  code: status,
  details: string,
  trailers: Readonly<Record<string, string>> = {},
): Partial<ServiceError> & { code: status; details: string; metadata: Metadata } => {
  const metadata = new Metadata();
  for (const [key, value] of Object.entries(trailers)) metadata.set(key, value);
  return { name: 'Refused', message: details, code, details, metadata };
};

/** What this server does not know it refuses, by name. */
export const unknown = (what: string) => refusal(status.UNIMPLEMENTED, `the loopback server does not know ${what}`);
export const invalid = (what: string) => refusal(status.INVALID_ARGUMENT, what);

/** Carries a refusal out of code that builds an answer. */
export class Refused extends Error {
  constructor(readonly answer: ReturnType<typeof refusal>) {
    super(answer.details);
    this.name = 'Refused';
  }
}

export const refuse = (what: string): never => {
  throw new Refused(unknown(what));
};
export const reject = (what: string): never => {
  throw new Refused(invalid(what));
};

export const nameOf = (identifier: StreamIdentifier | undefined): string => {
  const bytes = identifier?.getStreamName_asU8();
  if (bytes === undefined || bytes.length === 0) return reject('a stream name is missing');
  return Buffer.from(bytes).toString();
};

const uuidForm = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export const textOfUuid = (uuid: UUID | undefined): string => {
  if (uuid === undefined) return reject('an id is missing');
  const structured = uuid.getStructured();
  const text =
    structured === undefined
      ? uuid.getString()
      : [structured.getMostSignificantBits(), structured.getLeastSignificantBits()]
          .map((bits) => BigInt.asUintN(64, BigInt(bits)).toString(16).padStart(16, '0'))
          .join('')
          .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  return uuidForm.test(text) ? text.toLowerCase() : reject(`an id is no UUID: ${text}`);
};

const uuidOf = (text: string, structured: boolean): UUID => {
  const uuid = new UUID();
  if (!structured) return uuid.setString(text);
  const bits = BigInt(`0x${text.replaceAll('-', '')}`);
  const half = (value: bigint): string => BigInt.asIntN(64, value).toString();
  const parts = new UUID.Structured();
  parts.setMostSignificantBits(half(bits >> 64n));
  parts.setLeastSignificantBits(half(bits));
  return uuid.setStructured(parts);
};

const identifierOf = (stream: string): StreamIdentifier =>
  new StreamIdentifier().setStreamName(new Uint8Array(Buffer.from(stream)));

/** One event of a reading or a subscription. */
export const eventMessage = (stored: Stored, structured: boolean): ReadResp => {
  const event = new ReadResp.ReadEvent.RecordedEvent();
  event.setId(uuidOf(stored.id, structured));
  event.setStreamIdentifier(identifierOf(stored.stream));
  event.setStreamRevision(String(stored.revision));
  event.setCommitPosition(String(stored.commit));
  event.setPreparePosition(String(stored.prepare));
  event.getMetadataMap().set('type', stored.type);
  event.getMetadataMap().set('content-type', stored.contentType);
  event.getMetadataMap().set('created', String(BigInt(stored.created) * 10_000n));
  event.setCustomMetadata(stored.metadata);
  event.setData(stored.data);
  const read = new ReadResp.ReadEvent();
  read.setEvent(event);
  read.setCommitPosition(String(stored.commit));
  return new ReadResp().setEvent(read);
};

export const notFoundMessage = (stream: string): ReadResp =>
  new ReadResp().setStreamNotFound(new ReadResp.StreamNotFound().setStreamIdentifier(identifierOf(stream)));

export const confirmationMessage = (id: string): ReadResp =>
  new ReadResp().setConfirmation(new ReadResp.SubscriptionConfirmation().setSubscriptionId(id));

export const checkpointMessage = (at: Stored): ReadResp => {
  const checkpoint = new ReadResp.Checkpoint();
  checkpoint.setCommitPosition(String(at.commit));
  checkpoint.setPreparePosition(String(at.prepare));
  return new ReadResp().setCheckpoint(checkpoint);
};

export const caughtUpMessage = (at: Stored | undefined): ReadResp => {
  const caughtUp = new ReadResp.CaughtUp().setTimestamp(Timestamp.fromDate(new Date(at?.created ?? 0)));
  if (at !== undefined) {
    const position = new ReadResp.Position();
    position.setCommitPosition(String(at.commit));
    position.setPreparePosition(String(at.prepare));
    caughtUp.setPosition(position);
  }
  return new ReadResp().setCaughtUp(caughtUp);
};

/** The answer to a batch append; it names the request by its correlation id. */
const batchAnswer = (correlation: UUID, stream: string): BatchAppendResp =>
  new BatchAppendResp().setCorrelationId(correlation).setStreamIdentifier(identifierOf(stream));

export const batchSuccess = (correlation: UUID, stream: string, last: Stored): BatchAppendResp => {
  const position = new AllStreamPosition();
  position.setCommitPosition(String(last.commit));
  position.setPreparePosition(String(last.prepare));
  const success = new BatchAppendResp.Success().setCurrentRevision(String(last.revision)).setPosition(position);
  return batchAnswer(correlation, stream).setSuccess(success);
};

type Packed = { serializeBinary(): Uint8Array };

const batchError = (correlation: UUID, stream: string, name: string, details: Packed): BatchAppendResp => {
  const any = new Any();
  any.pack(details.serializeBinary(), `event_store.client.${name}`);
  const error = new Status();
  error.setMessage(name);
  error.setDetails(any);
  return batchAnswer(correlation, stream).setError(error);
};

export const batchTooLarge = (correlation: UUID, stream: string, max: number): BatchAppendResp => {
  const details = new MaximumAppendSizeExceeded();
  details.setMaxappendsize(max);
  return batchError(correlation, stream, 'MaximumAppendSizeExceeded', details);
};

export const batchTimeout = (correlation: UUID, stream: string): BatchAppendResp =>
  batchError(correlation, stream, 'Timeout', new Timeout());

export const batchWrongVersion = (
  correlation: UUID,
  stream: string,
  expected: Expected,
  current: Expected,
): BatchAppendResp => {
  const details = new WrongExpectedVersion();
  if (current === 'noStream') details.setCurrentNoStream(new GoogleEmpty());
  else details.setCurrentStreamRevision(String(current));
  if (expected === 'noStream') details.setExpectedNoStream(new GoogleEmpty());
  else details.setExpectedStreamPosition(String(expected));
  return batchError(correlation, stream, 'WrongExpectedVersion', details);
};

export const appendSuccess = (last: Stored): AppendResp => {
  const position = new AppendResp.Position();
  position.setCommitPosition(String(last.commit));
  position.setPreparePosition(String(last.prepare));
  const success = new AppendResp.Success();
  success.setCurrentRevision(String(last.revision));
  success.setPosition(position);
  return new AppendResp().setSuccess(success);
};

export const appendWrongVersion = (expected: Expected, current: Expected): AppendResp => {
  const details = new AppendResp.WrongExpectedVersion();
  if (current === 'noStream') details.setCurrentNoStream(new Empty());
  else details.setCurrentRevision(String(current));
  if (expected === 'noStream') details.setExpectedNoStream(new Empty());
  else details.setExpectedRevision(String(expected));
  return new AppendResp().setWrongExpectedVersion(details);
};
