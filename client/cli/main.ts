#!/usr/bin/env node
import { run } from './run.js';

// The reader of the output may have read enough: `postcall outcomes b_1 | head`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

const exitCode = await run(process.argv.slice(2));
// A request to an unreachable server leaves timers behind, for seconds: exit as soon as everything is written.
process.stdout.write('', () => process.exit(exitCode));
