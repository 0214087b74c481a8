#include "publish/page_private.h"
int page_sweep(Page *p, const Json *root, Err *err) {
    (void)p;
    (void)root;
    (void)err;
    return 0;
}
