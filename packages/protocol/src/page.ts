import { z } from 'zod';

/** Where a list continues. Opaque: take it from `nextCursor`, do not make one. */
export const cursorSchema = z.string().min(1).max(400);

export const pageLimitMaximum = 200;

/** Query of every list that pages. */
export const pageQuerySchema = z.object({
  limit: z.coerce.number().int().min(1).max(pageLimitMaximum).default(50),
  cursor: cursorSchema.optional(),
});

/** A page of a list, newest first unless the route says otherwise. `nextCursor: null` = there is no more. */
export const pageOf = <Item extends z.ZodType>(item: Item) =>
  z.object({ items: z.array(item), nextCursor: cursorSchema.nullable() });

export interface Page<Item> {
  items: Item[];
  nextCursor: string | null;
}
