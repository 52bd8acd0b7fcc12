import type { SearchAttributePair } from '@temporalio/common';
import type { BatchRequest } from './batch.js';

/** What a workflow that delivers is found by in Temporal's lists. */
export const SEARCH_ATTRIBUTES = {
  user: { name: 'PostcallUser', type: 'KEYWORD_LIST' },
  host: { name: 'PostcallHost', type: 'KEYWORD_LIST' },
  state: { name: 'PostcallState', type: 'KEYWORD' },
  calls: { name: 'PostcallCalls', type: 'INT' },
} as const;

/** By their names, the types as Temporal's tools call them. */
export const SEARCH_ATTRIBUTE_TYPES = {
  PostcallUser: 'KeywordList',
  PostcallHost: 'KeywordList',
  PostcallState: 'Keyword',
  PostcallCalls: 'Int',
} as const satisfies Record<(typeof SEARCH_ATTRIBUTES)[keyof typeof SEARCH_ATTRIBUTES]['name'], string>;

/** How a workflow is: the first of these that holds for any of its batches. `waiting`: every call left has been tried. */
export const WORKFLOW_STATES = ['canceling', 'down', 'paused', 'waiting', 'delivering'] as const;
export type WorkflowState = (typeof WORKFLOW_STATES)[number];

/** Temporal refuses a list of more than 2,048 bytes: at a start with an error, from a workflow by ending it. */
const MAX_LIST_BYTES = 1_500;
/** The last of a list that has been cut. */
export const MORE = '…';

/** What a start carries: users and hosts of the requests, nothing tried yet. A resend learns its hosts when it is registered. */
export function searchAttributesOf(batches: readonly BatchRequest[]): SearchAttributePair[] {
  const hosts = batches.flatMap(({ webhook_url }) => (webhook_url === undefined ? [] : [hostOf(webhook_url)]));
  const calls = batches.reduce((sum, { call_ids }) => sum + call_ids.length, 0);
  return attributesOf(
    batches.map(({ user_id }) => user_id),
    hosts,
    calls,
  );
}

export const attributesOf = (
  users: readonly string[],
  hosts: readonly string[],
  calls: number,
): SearchAttributePair[] => [
  { key: SEARCH_ATTRIBUTES.user, value: listOf(users) },
  { key: SEARCH_ATTRIBUTES.host, value: listOf(hosts) },
  { key: SEARCH_ATTRIBUTES.state, value: 'delivering' satisfies WorkflowState },
  { key: SEARCH_ATTRIBUTES.calls, value: calls },
];

/** Host, and port where it is not the scheme's own, of a URL in the URL standard's form. */
export const hostOf = (url: string): string => url.split('/')[2] ?? '';

/** The values, each once, as far as there is room for them. */
export function listOf(values: Iterable<string>): string[] {
  const list: string[] = [];
  let room = MAX_LIST_BYTES - sizeOf(MORE);
  for (const value of new Set(values)) {
    if (value === MORE) continue;
    room -= sizeOf(value);
    if (room < 0) return [...list, MORE];
    list.push(value);
  }
  return list;
}

/** Bytes of a value in a JSON list; workflow code has no Buffer. */
function sizeOf(value: string): number {
  let bytes = 1;
  for (const character of JSON.stringify(value)) {
    const code = character.codePointAt(0) ?? 0;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }
  return bytes;
}
