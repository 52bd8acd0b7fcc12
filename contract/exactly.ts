/**
 * The value as it is. Does not compile where its type has a field that `Shape` does not declare, which spread and rest let through: a
 * field that nobody has placed must not travel unseen.
 */
export const exactly =
  <Shape extends object>() =>
  <Given extends Shape>(given: Given & { [Name in Exclude<keyof Given, keyof Shape>]: never }): Shape =>
    given;

type Defined<Fields> = { [Name in keyof Fields]: Exclude<Fields[Name], undefined> };

/** The fields that have a value. */
export const defined = <Fields extends object>(fields: Fields): Defined<Fields> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Defined<Fields>;
