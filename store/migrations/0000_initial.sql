CREATE TABLE "api_keys" (
	"hash" text PRIMARY KEY NOT NULL,
	"prefix" text NOT NULL,
	"user_id" text NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"revoked_at" timestamp (3) with time zone,
	CONSTRAINT "api_keys_prefix_unique" UNIQUE("prefix")
);
--> statement-breakpoint
CREATE TABLE "attempts" (
	"seq" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "attempts_seq_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"call_id" text NOT NULL,
	"batch_id" text NOT NULL,
	"send_type" text NOT NULL,
	"sent_at" timestamp (3) with time zone NOT NULL,
	"deadline" timestamp (3) with time zone NOT NULL,
	"finished_at" timestamp (3) with time zone,
	"response_code" integer,
	"response_time_ms" integer,
	"error" text
);
--> statement-breakpoint
CREATE TABLE "calls" (
	"call_id" text PRIMARY KEY NOT NULL,
	"user_id" text NOT NULL,
	"data" json NOT NULL,
	"imported_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "signing_secrets" (
	"id" text PRIMARY KEY NOT NULL,
	"seq" bigint GENERATED ALWAYS AS IDENTITY (sequence name "signing_secrets_seq_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"user_id" text NOT NULL,
	"secret" text NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"revoked_at" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "webhooks" (
	"call_id" text PRIMARY KEY NOT NULL,
	"id" text NOT NULL,
	"user_id" text NOT NULL,
	"url" text NOT NULL,
	"payload" json NOT NULL,
	"batch_id" text NOT NULL,
	"status" text NOT NULL,
	"reason" text,
	"next_attempt_at" timestamp (3) with time zone,
	"not_before" timestamp (3) with time zone,
	"waiting_since" timestamp (3) with time zone,
	"wakes" integer DEFAULT 0 NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"settled_at" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE INDEX "attempts_call" ON "attempts" USING btree ("call_id","seq");--> statement-breakpoint
CREATE INDEX "attempts_batch" ON "attempts" USING btree ("batch_id","call_id");--> statement-breakpoint
CREATE UNIQUE INDEX "attempts_open" ON "attempts" USING btree ("call_id") WHERE "attempts"."finished_at" is null;--> statement-breakpoint
CREATE INDEX "signing_secrets_user" ON "signing_secrets" USING btree ("user_id");--> statement-breakpoint
CREATE INDEX "webhooks_batch" ON "webhooks" USING btree ("batch_id","call_id");--> statement-breakpoint
CREATE INDEX "webhooks_longest_waiting" ON "webhooks" USING btree ("user_id",md5("url"),"waiting_since") WHERE "webhooks"."status" = 'retrying';--> statement-breakpoint
CREATE INDEX "webhooks_next_due" ON "webhooks" USING btree ("user_id",md5("url"),"next_attempt_at") WHERE "webhooks"."status" = 'retrying';--> statement-breakpoint
CREATE INDEX "webhooks_failed" ON "webhooks" USING btree ("user_id","settled_at","call_id") WHERE "webhooks"."status" = 'failed';