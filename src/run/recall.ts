import * as E from 'fp-ts/Either';
import type { DatasetDerived } from '../../events/datasetDerived';
import type { DatasetImported } from '../../events/datasetImported';
import type { Digest } from '../../events/digest';
import { rederive, type Rederived } from '../../projections/rederive';
import { parseDecisions, parseRows, type Decision, type Row } from '../../projections/replayDataset';
import type { BlobError, BlobStore } from '../ports/blobStore';
import { loadCheckpointTokenizer } from '../train/checkpointStore';
import type { Tokenizer } from '../train/tokenizer';
import { counterOf } from './counter';
import type { Past } from './past';

/** A blob that an answer had to do without. */
export interface Missing {
  readonly what: 'rows' | 'decisions';
  readonly dataset: Digest;
  readonly digest: Digest;
  /** Why it could not be read: a blob error's tag, or what is wrong with its lines. */
  readonly because: string;
  /** What stands in for it: the same bytes made again from the events, or nothing, and why. */
  readonly instead: string;
}

const madeAgain = 'made again from the events: the same bytes';

/**
 * What is known of recorded datasets: their rows and decisions from the blob store, and where a blob is gone, from the
 * events. What is made again is used for a blob only where it has the blob's digest. Decisions are many, and not kept.
 */
export class Recall {
  private readonly made = new Map<Digest, E.Either<string, Rederived>>();
  private readonly gone = new Map<string, Missing>();
  private known: readonly Tokenizer[] | undefined;

  constructor(
    private readonly past: Past,
    private readonly blobs: BlobStore,
  ) {}

  /** Blobs that were asked for and are not there, so far. */
  get missing(): readonly Missing[] {
    return [...this.gone.values()];
  }

  /** Every tokenizer of the ledger's checkpoints that can be read, each once. */
  async tokenizers(): Promise<readonly Tokenizer[]> {
    if (this.known !== undefined) return this.known;
    const found = new Map<Digest, Tokenizer>();
    const asked = new Set<string>();
    for (const event of this.past.events) {
      if (event.type !== 'CheckpointWritten' || event.data.kind === 'resume') continue;
      const { files } = event.data;
      const key = JSON.stringify([files['tokenizer.json'], files['tokenizer_config.json'], files['config.json']]);
      if (asked.has(key)) continue;
      asked.add(key);
      const tokenizer = await loadCheckpointTokenizer(this.blobs, files);
      if (E.isRight(tokenizer)) found.set(tokenizer.right.digest, tokenizer.right);
    }
    this.known = [...found.values()];
    return this.known;
  }

  /** A dataset made again from the events before it; once for each manifest. */
  async rederived(recorded: DatasetDerived): Promise<E.Either<string, Rederived>> {
    const known = this.made.get(recorded.manifest);
    if (known !== undefined) return known;
    const made = await this.make(recorded);
    this.made.set(recorded.manifest, made);
    return made;
  }

  private async make(recorded: DatasetDerived): Promise<E.Either<string, Rederived>> {
    const before = await this.past.before(recorded);
    if (E.isLeft(before)) return E.left(`event ${before.left.eventId} of ${before.left.stream}: ${before.left.tag}`);
    // Only a policy that counts tokens needs a tokenizer: the checkpoints are not looked at otherwise.
    const plain = rederive(before.right, recorded);
    return E.isRight(plain) ? plain : rederive(before.right, recorded, (await this.tokenizers()).map(counterOf));
  }

  /** The rows of a dataset; undefined where neither the blob nor the events give them. */
  async rows(recorded: DatasetDerived): Promise<readonly Row[] | undefined> {
    const { dataset } = recorded;
    const found = await this.stored(dataset, parseRows);
    if (E.isRight(found)) return found.right;
    const made = await this.rederived(recorded);
    const isSame = E.isRight(made) && made.right.derived.manifest.dataset === dataset;
    this.note('rows', recorded, dataset, found.left, isSame, made);
    return isSame ? made.right.derived.rows : undefined;
  }

  /** The rows of a dataset that came from a file; undefined where the blob is gone, for no event holds them. */
  async importedRows({ dataset }: DatasetImported): Promise<readonly Row[] | undefined> {
    const found = await this.stored(dataset, parseRows);
    if (E.isRight(found)) return found.right;
    const instead = 'nothing: it was imported; importing its file again brings it back';
    this.gone.set(`rows ${dataset}`, { what: 'rows', dataset, digest: dataset, because: found.left, instead });
    return undefined;
  }

  /** The decisions of a dataset; undefined where neither the blob nor the events give them. */
  async decisions(recorded: DatasetDerived): Promise<readonly Decision[] | undefined> {
    const { decisions } = recorded;
    const found = await this.stored(decisions, parseDecisions);
    const made = E.isRight(found) ? undefined : await this.rederived(recorded);
    const isSame = made !== undefined && E.isRight(made) && made.right.derived.manifest.decisions === decisions;
    if (E.isLeft(found) && made !== undefined) this.note('decisions', recorded, decisions, found.left, isSame, made);
    return E.isRight(found) ? found.right : isSame ? made.right.derived.decisions : undefined;
  }

  private async stored<T>(
    digest: Digest,
    parse: (bytes: Uint8Array) => E.Either<string, T>,
  ): Promise<E.Either<string, T>> {
    const bytes: E.Either<BlobError, Uint8Array> = await this.blobs.get(digest)();
    return E.isLeft(bytes) ? E.left(bytes.left.tag) : parse(bytes.right);
  }

  private note(
    what: Missing['what'],
    { dataset }: DatasetDerived,
    digest: Digest,
    because: string,
    isSame: boolean,
    made: E.Either<string, Rederived>,
  ): void {
    const other = 'this version makes other bytes from the events';
    const instead = isSame ? madeAgain : `nothing: ${E.isLeft(made) ? made.left : other}`;
    this.gone.set(`${what} ${digest}`, { what, dataset, digest, because, instead });
  }
}
