import { upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import { hostOf, listOf, SEARCH_ATTRIBUTES, type WorkflowState } from '../contract/search-attributes.js';
import type { Book } from './book.js';
import { isDown } from './due.js';

/**
 * Keeps the workflow's search attributes as the book is. Only where its start carried them: a name that the server does not know would
 * fail every workflow task from then on.
 */
export class SearchAttributes {
  readonly #book: Book;
  readonly #known = workflowInfo().typedSearchAttributes;
  #hosts: readonly string[];
  #state: string | undefined;
  #calls: number | undefined;
  #endpoints = 0;

  constructor(book: Book) {
    this.#book = book;
    this.#hosts = this.#known.get(SEARCH_ATTRIBUTES.host) ?? [];
    this.#state = this.#known.get(SEARCH_ATTRIBUTES.state);
    this.#calls = this.#known.get(SEARCH_ATTRIBUTES.calls);
  }

  /** One command where something has changed, none otherwise. */
  update(): void {
    const changed = [...this.#newHosts(), ...this.#newState(), ...this.#newCalls()];
    if (changed.length > 0) upsertSearchAttributes(changed);
  }

  /** Hosts are added only: a book that was carried over may have forgotten their names. */
  #newHosts() {
    const { endpoints } = this.#book;
    if (endpoints.size === this.#endpoints) return [];
    this.#endpoints = endpoints.size;
    const hosts = listOf([...this.#hosts, ...hostsOf(this.#book)]);
    if (hosts.length === this.#hosts.length) return [];
    this.#hosts = hosts;
    return [{ key: SEARCH_ATTRIBUTES.host, value: hosts }];
  }

  #newState() {
    const state = stateOf(this.#book);
    if (state === this.#state) return [];
    this.#state = state;
    return [{ key: SEARCH_ATTRIBUTES.state, value: state }];
  }

  #newCalls() {
    const calls = this.#book.batches.reduce((sum, { unsettled }) => sum + unsettled, 0);
    if (calls === this.#calls) return [];
    this.#calls = calls;
    return [{ key: SEARCH_ATTRIBUTES.calls, value: calls }];
  }
}

function hostsOf({ batches, endpoints }: Book): string[] {
  const named = [...endpoints.values()].flatMap(({ ref }) => hostOf(ref.label) || []);
  // The name of an endpoint is cut; a request's own URL is not.
  return batches.every(({ base }) => base.webhook_url !== undefined) ? [] : named;
}

export function stateOf({ batches }: Book): WorkflowState {
  const open = batches.filter(({ finishedAt }) => finishedAt === null);
  if (open.some(({ canceling }) => canceling)) return 'canceling';
  const routes = open.flatMap((batch) => [...batch.routes.values()]);
  if (routes.some((route) => route.unsettled > 0 && isDown(route))) return 'down';
  if (open.some(({ isPaused }) => isPaused)) return 'paused';
  return open.some(({ counts }) => counts.pending > 0) ? 'delivering' : 'waiting';
}
