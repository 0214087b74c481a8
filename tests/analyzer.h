/* analyzer: what clang's analyzer cannot see from one file, included before it (tests/analyze).
 * Functions of other files that fill an Err return −1, and a grown array is there. */
#ifndef M3_TESTS_ANALYZER_H
#define M3_TESTS_ANALYZER_H
#include "base/diag.h"
#include "base/json.h"
#include "base/mem.h"

/* clang-format off */
#ifndef ANALYZED_diag
#define err_input(...) ((void)err_input(__VA_ARGS__), -1)
#define err_io(...) ((void)err_io(__VA_ARGS__), -1)
#define err_stopped(...) ((void)err_stopped(__VA_ARGS__), -1)
#define err_wrap(...) ((void)err_wrap(__VA_ARGS__), -1)
#endif
#ifndef ANALYZED_json
#define json_fail(...) ((void)json_fail(__VA_ARGS__), -1)
#define json_fail_member(...) ((void)json_fail_member(__VA_ARGS__), -1)
#define json_fail_named(...) ((void)json_fail_named(__VA_ARGS__), -1)
#endif
/* clang-format on */
#undef MEM_GROW
#define MEM_GROW(a, cap, need) ((cap) += (size_t)(need), (a) = mem_realloc((a), (cap), sizeof *(a)))
#endif
