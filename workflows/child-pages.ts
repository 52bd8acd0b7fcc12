import { condition, getExternalWorkflowHandle, log, type SignalDefinition, startChild } from '@temporalio/workflow';
import type { BatchInput, CallOutcome, Counts, EndpointState } from '../contract/batch.js';
import { PAGE_LOST } from '../contract/failures.js';
import { pageWorkflowId } from '../contract/ids.js';
import { DEFAULT_MAX_IN_FLIGHT, PAGE_SIZE } from '../contract/limits.js';
import {
  cancelSignal,
  endpointGoneSignal,
  type OutcomesPage,
  type PageReport,
  type ProgressReport,
  pauseSignal,
  resumeSignal,
  retryNowSignal,
} from '../contract/messages.js';
import type { ChildPageInput, deliverPage, PageResult } from './deliver-page.js';
import type { Delivery } from './delivery.js';
import { addCounts, Ledger, noCounts } from './ledger.js';
import { settleRest } from './settle-rest.js';

/** A batch's view of one of its pages. */
interface ChildPage {
  callIds: string[];
  workflowId: string;
  state: 'waiting' | 'running' | 'ended';
  firstAttemptsDone: boolean;
  counts: Counts;
  endpoint: EndpointState;
  endpointSince: string | null;
  exceptions: CallOutcome[];
}

/** Pages that make first attempts at the same time: while one page's workflow code runs, attempts of another are under way. */
const PAGES_AT_ONCE = 2;

const LOST = { type: PAGE_LOST, message: 'the workflow of its page was ended from outside' };

/** Delivers a batch as child workflows of 500 calls, a few at a time: the next starts when one has made all its first attempts. */
export class ChildPages implements Delivery {
  paused = false;
  canceling = false;

  readonly #input: BatchInput;
  readonly #pages: ChildPage[];
  readonly #pagesAtOnce: number;
  /** Each page's part of the batch's attempts in flight. */
  readonly #inFlightPerPage: number;
  readonly #onChange: () => void;
  #pageOf: Map<string, ChildPage> | undefined;

  constructor(input: BatchInput, onChange: () => void) {
    this.#input = input;
    this.#onChange = onChange;
    const maxInFlight = input.options?.max_in_flight ?? DEFAULT_MAX_IN_FLIGHT;
    this.#pagesAtOnce = Math.min(PAGES_AT_ONCE, maxInFlight);
    this.#inFlightPerPage = Math.floor(maxInFlight / this.#pagesAtOnce);
    const count = Math.ceil(input.call_ids.length / PAGE_SIZE);
    this.#pages = Array.from({ length: count }, (_, page) => childPage(input, page));
  }

  get counts(): Counts {
    return this.#pages.map(({ counts }) => counts).reduce(addCounts, noCounts());
  }

  get endpoint(): EndpointState {
    return this.#worst?.endpoint ?? 'up';
  }

  get endpointSince(): string | null {
    return this.#worst?.endpointSince ?? null;
  }

  async run(): Promise<void> {
    const ends: Promise<void>[] = [];
    for (const [number, page] of this.#pages.entries()) {
      await condition(() => this.#mayStart());
      ends.push((await this.#start(page, number)).end);
    }
    await Promise.all(ends);
  }

  exceptions(): CallOutcome[] {
    return this.#pages.flatMap(({ exceptions }) => exceptions);
  }

  outcomesOf(number: number): OutcomesPage {
    const page = this.#pages[number];
    const known = { page: number, pages: this.#pages.length, outcomes: page ? outcomesOf(page) : [] };
    return page?.state === 'running' ? { ...known, workflow_id: page.workflowId } : known;
  }

  runningPages(): ProgressReport['running_pages'] {
    return this.#running.map(({ workflowId, counts }) => ({ workflow_id: workflowId, counts }));
  }

  async retryNow(callIds?: readonly string[]): Promise<void> {
    if (!callIds) {
      this.#tellRunning(retryNowSignal, []);
      return;
    }
    for (const page of this.#running) {
      const call_ids = callIds.filter((callId) => this.#pageWith(callId) === page);
      if (call_ids.length > 0) void tell(page, retryNowSignal, [{ call_ids }]);
    }
  }

  async pause(): Promise<void> {
    if (this.paused || this.#settlesOnly) return;
    this.paused = true;
    this.#tellRunning(pauseSignal, []);
    this.#onChange();
  }

  async resume(): Promise<void> {
    if (!this.paused) return;
    this.paused = false;
    this.#tellRunning(resumeSignal, []);
    this.#onChange();
  }

  async cancel(): Promise<void> {
    if (this.canceling) return;
    this.canceling = true;
    this.paused = false;
    this.#tellRunning(cancelSignal, []);
    this.#onChange();
  }

  /** What a page says of itself while it runs. */
  pageReported(report: PageReport): void {
    const page = this.#pages[report.page];
    if (page?.state !== 'running') return;
    const wasGone = this.endpoint === 'gone';
    page.firstAttemptsDone = report.first_attempts_done;
    page.counts = report.counts;
    page.endpoint = report.endpoint;
    page.endpointSince = report.endpoint_since;
    if (!wasGone && report.endpoint === 'gone') this.#tellRunning(endpointGoneSignal, [], page);
    this.#onChange();
  }

  #mayStart(): boolean {
    const busy = this.#running.filter(({ firstAttemptsDone }) => !firstAttemptsDone).length;
    return busy < this.#pagesAtOnce && (!this.paused || this.#settlesOnly);
  }

  /** Delivered to, and not known to have failed since. */
  get #endpointProven(): boolean {
    return this.endpoint === 'up' && this.#pages.some(({ counts }) => counts.delivered > 0);
  }

  get #running(): ChildPage[] {
    return this.#pages.filter(({ state }) => state === 'running');
  }

  /** A page that is gone outweighs one that is down; an ended page's outage is over. */
  get #worst(): ChildPage | undefined {
    return (
      this.#pages.find(({ endpoint }) => endpoint === 'gone') ??
      this.#running.find(({ endpoint }) => endpoint === 'down')
    );
  }

  get #startAs(): ChildPageInput['start_as'] {
    if (this.canceling) return 'canceled';
    return this.endpoint === 'gone' ? 'gone' : undefined;
  }

  /** Pages that start from now on send nothing. */
  get #settlesOnly(): boolean {
    return this.#startAs !== undefined;
  }

  async #start(page: ChildPage, number: number): Promise<{ end: Promise<void> }> {
    const startAs = this.#startAs;
    const child = await startChild<typeof deliverPage>('deliverPage', {
      workflowId: page.workflowId,
      args: [this.#inputOf(page, number, startAs)],
      staticSummary: `page ${number + 1} of ${this.#pages.length}: ${page.callIds.length} calls`,
    });
    page.state = 'running';
    if (this.#startAs !== startAs) void tell(page, this.canceling ? cancelSignal : endpointGoneSignal, []);
    if (this.paused) void tell(page, pauseSignal, []);
    return { end: this.#ended(page, child.result()) };
  }

  #inputOf({ callIds }: ChildPage, page: number, startAs: ChildPageInput['start_as']): ChildPageInput {
    return {
      ...this.#input,
      call_ids: callIds,
      options: { ...this.#input.options, max_in_flight: this.#inFlightPerPage },
      page,
      ...(this.#endpointProven && { endpoint_proven: true }),
      ...(startAs && { start_as: startAs }),
    };
  }

  async #ended(page: ChildPage, result: Promise<PageResult>): Promise<void> {
    try {
      const { counts, endpoint, exceptions } = await result;
      Object.assign(page, { counts, exceptions, endpoint });
    } catch (error) {
      log.error('a page did not end by itself', { page: page.workflowId, error });
      Object.assign(page, await this.#settleLost(page));
    }
    page.state = 'ended';
    this.#onChange();
  }

  /** The page was terminated: the store knows how far it came, and nobody sends the rest any more. */
  async #settleLost({ callIds }: ChildPage): Promise<Pick<ChildPage, 'counts' | 'exceptions'>> {
    const ledger = new Ledger(callIds);
    await settleRest(this.#input, ledger, { status: 'failed', error: LOST });
    return { counts: ledger.counts, exceptions: ledger.exceptions() };
  }

  #pageWith(callId: string): ChildPage | undefined {
    this.#pageOf ??= new Map(this.#pages.flatMap((page) => page.callIds.map((id) => [id, page] as const)));
    return this.#pageOf.get(callId);
  }

  #tellRunning<Args extends unknown[]>(signal: SignalDefinition<Args>, args: Args, except?: ChildPage): void {
    for (const page of this.#running) if (page !== except) void tell(page, signal, args);
  }
}

function childPage({ batch_id, call_ids }: BatchInput, page: number): ChildPage {
  const callIds = call_ids.slice(page * PAGE_SIZE, (page + 1) * PAGE_SIZE);
  return {
    callIds,
    workflowId: pageWorkflowId(batch_id, page),
    state: 'waiting',
    firstAttemptsDone: false,
    counts: { ...noCounts(), total: callIds.length, pending: callIds.length },
    endpoint: 'up',
    endpointSince: null,
    exceptions: [],
  };
}

/** While a page runs or waits its exceptions are not known here, and each call counts as pending. */
function outcomesOf({ callIds, state, exceptions }: ChildPage): CallOutcome[] {
  const known = new Map(exceptions.map((outcome) => [outcome.call_id, outcome]));
  const status = state === 'ended' ? 'delivered' : 'pending';
  return callIds.map((call_id) => known.get(call_id) ?? { call_id, status });
}

async function tell<Args extends unknown[]>(
  page: ChildPage,
  signal: SignalDefinition<Args>,
  args: Args,
): Promise<void> {
  try {
    await getExternalWorkflowHandle(page.workflowId).signal(signal, ...args);
  } catch (error) {
    // It ended before the signal came: there is nothing left to tell it.
    log.info('a page could not be told', { page: page.workflowId, signal: signal.name, error });
  }
}
