import { customType, timestamp } from 'drizzle-orm/pg-core';
import { jsonParameter, textParameter, uuidParameter } from '../parameters.js';

/** A UUID column with the type of its id, so that ids of different tables cannot be mixed up. */
export const id = <Id extends string>() =>
  customType<{ data: Id; driverData: string }>({ dataType: () => 'uuid', toDriver: uuidParameter })();

export const safeText = <Value extends string = string>() =>
  customType<{ data: Value; driverData: string }>({ dataType: () => 'text', toDriver: textParameter })();

export const safeJsonb = <Value>() =>
  customType<{ data: Value; driverData: string }>({ dataType: () => 'jsonb', toDriver: jsonParameter })();

export const bytes = customType<{ data: Buffer; driverData: Buffer }>({ dataType: () => 'bytea' });

/** Milliseconds, so that a `Date` comes back as it went in. */
export const instant = () => timestamp({ withTimezone: true, precision: 3, mode: 'date' });
