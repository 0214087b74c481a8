/* page_flows: the page of flows with completion times, such as m3 simulate writes. */
#include "base/units.h"
#include "publish/page_private.h"

int page_flows(Page *p, Err *err) {
    ReportResult r;
    if (report_read(&r, p->path, p->log, err) != 0) return -1;
    if (page_slowdowns(p, &r.slowdown, err) != 0) return -1;
    page_section(p, "What it is of");
    page_paragraph(p, "%s flows with their completion times, from %s.", units_count(r.n_flows).s,
                   p->path);
    if (r.n_unfinished > 0)
        page_paragraph(p,
                       "%s of them did not finish. Percentiles cover the others, so that the "
                       "slowest flows may be missing.",
                       units_count(r.n_unfinished).s);
    return 0;
}
