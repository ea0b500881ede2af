-- Gives numbers to committed events of one company, in the order of their insertion and without gaps, and tells everyone
-- who listens. The row of live_event_heads is the lock: whoever waits for it sees, in the statements that follow, what
-- the one before committed (each statement of a function has its own snapshot; in one single statement the waiter would
-- work with a snapshot from before its wait and number events twice).
-- Returns how many were numbered; at most max_events, so that a backlog does not hold the lock for long.
CREATE FUNCTION "number_live_events"("the_company" uuid, "max_events" integer) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
	"first_free" bigint;
	"numbered" integer;
BEGIN
	INSERT INTO "live_event_heads" ("company_id", "last_number") VALUES ("the_company", 0) ON CONFLICT DO NOTHING;
	SELECT "last_number" INTO "first_free" FROM "live_event_heads" WHERE "company_id" = "the_company" FOR UPDATE;
	WITH "waiting" AS (
		SELECT "insertion_id", row_number() OVER (ORDER BY "insertion_id") AS "place"
		FROM (
			SELECT "insertion_id" FROM "live_events"
			WHERE "company_id" = "the_company" AND "number" IS NULL
			ORDER BY "insertion_id" LIMIT "max_events"
		) "batch"
	)
	UPDATE "live_events" "event" SET "number" = "first_free" + "waiting"."place"
	FROM "waiting" WHERE "event"."insertion_id" = "waiting"."insertion_id";
	GET DIAGNOSTICS "numbered" = ROW_COUNT;
	IF "numbered" > 0 THEN
		UPDATE "live_event_heads" SET "last_number" = "first_free" + "numbered" WHERE "company_id" = "the_company";
		PERFORM pg_notify('runbeat_live_events', "the_company"::text);
	END IF;
	RETURN "numbered";
END
$$;
--> statement-breakpoint
ALTER TABLE "live_events" SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.1);
--> statement-breakpoint
ALTER TABLE "heartbeat_runs" SET (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);
--> statement-breakpoint
ALTER TABLE "agent_runtime_state" SET (fillfactor = 50);
--> statement-breakpoint
ALTER TABLE "server_instances" SET (fillfactor = 50);
--> statement-breakpoint
ALTER TABLE "live_event_heads" SET (fillfactor = 50);
