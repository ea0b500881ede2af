-- An answer is kept in the transaction that creates; what an older version claimed and never answered is forgotten.
DELETE FROM "idempotency_records" WHERE "status" IS NULL;
--> statement-breakpoint
ALTER TABLE "idempotency_records" ALTER COLUMN "status" SET NOT NULL;
