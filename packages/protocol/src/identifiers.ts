import { z } from 'zod';

/** Every row's id is a UUID. */
export const idSchema = z.uuid();

/** ISO 8601 in UTC, such as `2026-01-31T12:00:00.000Z`. */
export const timestampSchema = z.iso.datetime().meta({ description: 'ISO 8601 time in UTC.' });

/** A time as a caller may write it: with `Z` or with an offset. */
export const timestampInputSchema = z.iso.datetime({ offset: true });

/** Milliseconds that fit a timer and an integer column (about 24 days). */
export const durationMsSchema = z.int().min(1).max(2_147_483_647);

/** Higher is more urgent; 0 is ordinary. */
export const prioritySchema = z.int().min(-1_000_000).max(1_000_000);

export const idParamsSchema = z.object({ id: idSchema });
export const companyParamsSchema = z.object({ companyId: idSchema });
