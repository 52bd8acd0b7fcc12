/**
 * Returns the value as it is. It does not compile if the value's type has a field that `Shape` does not declare. Spread and rest let such
 * a field through, and it would travel unseen.
 */
export const exactly =
  <Shape extends object>() =>
  <Given extends Shape>(given: Given & { [Name in Exclude<keyof Given, keyof Shape>]: never }): Shape =>
    given;

type Defined<Fields> = { [Name in keyof Fields]: Exclude<Fields[Name], undefined> };

/** The fields that have a value. */
export const defined = <Fields extends object>(fields: Fields): Defined<Fields> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Defined<Fields>;
