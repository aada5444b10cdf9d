import { decodeEvent, type EventData, type EventType, type LedgerEvent } from '../../events/index';
import type { EventLog } from '../../src/ports/eventLog';
import { collect, must } from '../support/events';

/** Everything on the ledger, decoded, in global order. */
export const decodedOf = async (log: EventLog): Promise<readonly LedgerEvent[]> =>
  (await collect(log.readAll())).map((event) => must(decodeEvent(event)));

/** The data of all events of one type. */
export const factsOf = <Type extends EventType>(
  events: readonly LedgerEvent[],
  type: Type,
): readonly EventData<Type>[] =>
  events.flatMap((event) =>
    // An event of this type has been decoded by this type's codec.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    event.type === type ? [event.data as EventData<Type>] : [],
  );
