import * as E from 'fp-ts/Either';
import type { Clock } from '../ports/clock';
import type { ModelError, Served } from '../ports/languageModel';
import { costOf, nano, type ModelPrice } from './prices';

/** Hard budgets; null: none. */
export interface BudgetLimits {
  /** US dollars. */
  readonly money: number | null;
  /** Attempts at calls: what a server counts. */
  readonly calls: number | null;
  /** Prompt and completion tokens. */
  readonly tokens: number | null;
  /** Milliseconds from the first call on. */
  readonly time: number | null;
}

export const noLimits: BudgetLimits = { money: null, calls: null, tokens: null, time: null };

export interface Spent {
  readonly money: number;
  readonly calls: number;
  readonly tokens: number;
}

/** The most that one attempt can take: tokens of its prompt at most, and as many more as it asks for. */
export interface Bound {
  readonly promptTokens: number;
  readonly completionTokens: number;
}

type Reached = Extract<ModelError, { readonly tag: 'BudgetReached' | 'Interrupted' }>;

/** An attempt that the budget has room for. */
export interface Reservation {
  /** Null: it may have been paid for, and nobody says how much, so the whole bound counts. */
  settle(usage: Served['usage'] | 'nothing'): void;
  /** The attempt was not made after all. */
  withdraw(): void;
}

interface Amounts {
  money: number;
  calls: number;
  tokens: number;
}

/**
 * A budget of all served models that share it. Lets an attempt begin only where its upper bound fits beside all that is spent and all that is under way, so no budget is
 * ever exceeded. Where it does not fit, but calls are under way whose bounds may shrink to what they really took, it waits
 * for them: what is left over at the end is less than one call's bound.
 */
export class Budget {
  private readonly spent: Amounts = { money: 0, calls: 0, tokens: 0 };
  private readonly reserved: Amounts = { money: 0, calls: 0, tokens: 0 };
  private underWay = 0;
  private began: number | undefined;
  private waiting: (() => void)[] = [];

  constructor(
    readonly limits: BudgetLimits,
    private readonly clock: Clock,
  ) {}

  /** Counts what was spent before. */
  count({ money, calls, tokens }: Spent): void {
    this.spent.money += Math.ceil(money * nano);
    this.spent.calls += calls;
    this.spent.tokens += tokens;
  }

  /** So far, without what is under way. */
  used(): Spent {
    return { ...this.spent, money: this.spent.money / nano };
  }

  private reached(wanted: Amounts): Reached | undefined {
    const { limits, spent, reserved } = this;
    const over = (name: 'money' | 'calls' | 'tokens', unit: number): Reached | undefined => {
      const limit = limits[name];
      if (limit === null || spent[name] + reserved[name] + wanted[name] <= Math.floor(limit * unit)) return undefined;
      return { tag: 'BudgetReached', budget: name, limit, used: spent[name] / unit };
    };
    return over('money', nano) ?? over('calls', 1) ?? over('tokens', 1);
  }

  private outOfTime(): Reached | undefined {
    const now = this.clock.now();
    this.began ??= now;
    const { time } = this.limits;
    if (time === null || now - this.began < time) return undefined;
    return { tag: 'BudgetReached', budget: 'time', limit: time, used: now - this.began };
  }

  /** Resolves on the next settlement, or when the signal aborts. */
  private settlement(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        signal?.removeEventListener('abort', done);
        resolve();
      };
      signal?.addEventListener('abort', done);
      this.waiting.push(done);
    });
  }

  /** Room for one attempt; `price` is its model's, and must be there where the budget is in money. */
  async reserve(
    { promptTokens, completionTokens }: Bound,
    price: ModelPrice | undefined,
    signal: AbortSignal | undefined,
  ): Promise<E.Either<Reached, Reservation>> {
    if (this.limits.money !== null && price === undefined) throw new Error('a budget in money needs a price');
    const money = price === undefined ? 0 : costOf(price, { promptTokens, completionTokens, cachedPromptTokens: 0 });
    const wanted = { money, calls: 1, tokens: promptTokens + completionTokens };
    for (;;) {
      if (signal?.aborted === true) return E.left({ tag: 'Interrupted' });
      const late = this.outOfTime();
      if (late !== undefined) return E.left(late);
      const over = this.reached(wanted);
      if (over === undefined) break;
      // Calls are counted as they begin, so waiting would not bring one back.
      if (this.underWay === 0 || (over.tag === 'BudgetReached' && over.budget === 'calls')) return E.left(over);
      await this.settlement(signal);
    }
    return E.right(this.take(wanted, price));
  }

  private take(wanted: Amounts, price: ModelPrice | undefined): Reservation {
    this.underWay += 1;
    this.spent.calls += 1;
    this.reserved.money += wanted.money;
    this.reserved.tokens += wanted.tokens;
    const release = (): void => {
      this.underWay -= 1;
      this.reserved.money -= wanted.money;
      this.reserved.tokens -= wanted.tokens;
      for (const wake of this.waiting.splice(0)) wake();
    };
    return {
      settle: (usage) => {
        if (usage === null) {
          this.spent.money += wanted.money;
          this.spent.tokens += wanted.tokens;
        } else if (usage !== 'nothing') {
          this.spent.money += price === undefined ? 0 : costOf(price, usage);
          this.spent.tokens += usage.promptTokens + usage.completionTokens;
        }
        release();
      },
      withdraw: () => {
        this.spent.calls -= 1;
        release();
      },
    };
  }
}
