import { contentId } from './digest';

/** The id of a collection where events name only its run and iteration: their first versions. */
export const collectionOfRun = (runId: string, iteration: number): string =>
  contentId(['collection', runId, iteration]);
