import * as t from 'io-ts';
import { Author, Count, DigestText, ModelRef, nullable } from './codecs';
import { defineEvent } from './defineEvent';
import { contentId } from './digest';
import { Sampling } from './generationProduced';

/** How trajectories are edited (TriPosT §1.2, §1.3). */
const Settings = t.strict(
  {
    sampling: Sampling,
    /** Most calls of one answer: the first, and one for each update's own judgement. */
    maxCalls: Count,
    maxUpdates: Count,
    overCorrection: t.string,
    stepOrder: t.string,
    noProgress: t.string,
    rightAnswer: t.string,
  },
  'CollectionSettings',
);
export type CollectionSettings = t.TypeOf<typeof Settings>;

/**
 * FBK and IMP: a task's script (`model` is null), or a large model. `prompts` names a blob with the digests of all prompts that
 * the collection uses, those of its answers too, and with the sampling of FBK and IMP.
 */
const Editor = t.strict(
  { author: Author, model: nullable(ModelRef), prompts: nullable(DigestText) },
  'CollectionEditor',
);

const Inputs = {
  iteration: Count,
  student: ModelRef,
  problemSet: t.string,
  seed: Count,
  settings: Settings,
  editor: Editor,
};

const V1 = t.strict({ collectionId: t.string, ...Inputs }, 'CollectionStarted@1');
export type CollectionStarted = t.TypeOf<typeof V1>;

/** Everything that decides a collection's trajectories. */
export type CollectionInputs = Omit<CollectionStarted, 'collectionId'>;

/** A collection is what decides it: the same student, problems, seed and settings are the same trajectories. */
export const collectionIdOf = (inputs: CollectionInputs): string => contentId(['collection', inputs]);

/**
 * A student begins to answer a problem set, and an editor to judge and mend its answers. Runs that agree in all of this
 * share the trajectories, whatever else their configs say. How often each problem is answered is not in it: a collection
 * can be made larger.
 */
export const collectionStarted = defineEvent('CollectionStarted', V1, {
  stream: (d) => `collection-${d.collectionId}`,
  identity: (d) => [d.collectionId],
});
