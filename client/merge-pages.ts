import type { Counts, ProgressReport } from '../contract/index.js';

/**
 * Puts what each running page knows in place of what it last told its batch. `answers` has one entry for each running page: its
 * latest answer, perhaps of an earlier look, or undefined when it never answered.
 */
export function mergePages(report: ProgressReport, answers: readonly (Counts | undefined)[]): ProgressReport {
  const merged = { ...report };
  report.running_pages.forEach(({ counts }, index) => {
    const known = answers[index];
    if (!known || advance(known) < advance(counts)) return;
    merged.delivered += known.delivered - counts.delivered;
    merged.retrying += known.retrying - counts.retrying;
    merged.failed += known.failed - counts.failed;
    merged.rejected += known.rejected - counts.rejected;
    merged.canceled += known.canceled - counts.canceled;
    merged.pending += known.pending - counts.pending;
  });
  return merged;
}

/** Grows as a page's calls go on, from pending to retrying to settled: the newer of two counts has the greater one. */
const advance = ({ total, pending, retrying }: Counts): number => 2 * (total - pending) - retrying;
