import type { Digest } from '../events/digest';
import type { LedgerEvent } from '../events/index';

/** The blobs that an event names: what a ledger needs beside itself to be whole. */
export const blobsNamedBy = (event: LedgerEvent): readonly Digest[] => {
  if (event.type === 'DatasetDerived') return [event.data.dataset, event.data.decisions, event.data.manifest];
  if (event.type === 'DatasetImported') return [event.data.dataset];
  if (event.type === 'GenerationProduced') {
    const { served, callKey, purpose } = event.data;
    const named = [callKey, purpose?.prompt ?? null].flatMap((digest) => (digest === null ? [] : [digest]));
    return served === null ? named : [...named, served.request, served.response];
  }
  if (event.type === 'CollectionStarted') return event.data.editor.prompts === null ? [] : [event.data.editor.prompts];
  if (event.type === 'CallFailed')
    return [event.data.request, event.data.response].flatMap((digest) => (digest === null ? [] : [digest]));
  if (event.type !== 'CheckpointWritten') return [];
  const { files, optimizer } = event.data;
  return [...Object.values(files), ...(optimizer === null ? [] : [optimizer])];
};
