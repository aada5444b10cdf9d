import { addToOutline, emptyOutline, type Outline } from '../../src/metrics/outline';
import { MetricsCollector } from '../../src/metrics/collectMetrics';
import type { Metrics } from '../../src/metrics/metricRun';
import { the } from '../support/events';
import { planted, plantedLedger } from '../report/plantedAblation';

/** A small planted ablation: two arms, two seeds, one iteration of five steps. */
export const smallPlanted = { ...planted, axis: [], seeds: [1, 2], iterations: 1, steps: 5, items: 8 };
export const { events } = plantedLedger(smallPlanted);

export const outlined = (): Outline => {
  const outline = emptyOutline();
  for (const event of events) addToOutline(outline, event);
  return outline;
};

export const outline = outlined();
export const ablationId = the([...outline.ablations.keys()][0]);

/** What a run, a training or the ablation of the small ledger measured. */
export const metricsOf = (id: string = ablationId): Metrics => {
  const collector = new MetricsCollector(outline, id);
  for (const event of events) collector.add(event);
  return collector.metrics();
};
