import type { Connection } from '@temporalio/client';
import {
  encodeSearchAttributeIndexedValueType,
  type SearchAttributeType,
} from '@temporalio/common/lib/search-attributes.js';
import { SEARCH_ATTRIBUTE_TYPES, SEARCH_ATTRIBUTES } from '../../contract/index.js';

type Name = keyof typeof SEARCH_ATTRIBUTE_TYPES;

/** What a namespace lacks of the search attributes. */
export interface Lacking {
  /** Not registered. */
  missing: Name[];
  /** Registered with a type that is not ours. */
  otherType: Name[];
}

/** As the server numbers types. */
export function typeCodeOf(name: Name): number {
  const type = Object.values(SEARCH_ATTRIBUTES).find((attribute) => attribute.name === name)?.type;
  return encodeSearchAttributeIndexedValueType(type as SearchAttributeType) ?? 0;
}

/** Throws a gRPC error, also where this connection may not list them. */
export async function lackingSearchAttributes({ operatorService }: Connection, namespace: string): Promise<Lacking> {
  const { customAttributes } = await operatorService.listSearchAttributes({ namespace });
  const names = Object.keys(SEARCH_ATTRIBUTE_TYPES) as Name[];
  return {
    missing: names.filter((name) => customAttributes[name] === undefined),
    otherType: names.filter((name) => (customAttributes[name] ?? typeCodeOf(name)) !== typeCodeOf(name)),
  };
}

/** Which types they must have. */
export const requiredTypes = (names: readonly Name[]): string =>
  names.map((name) => `${name} must be a ${SEARCH_ATTRIBUTE_TYPES[name]}`).join(', ');
