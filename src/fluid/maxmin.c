/* maxmin: progressive filling by classes of flows.
 *
 * An allocation of rates is max-min fair if no rate can be raised without lowering one that is no
 * higher. It is unique, and it is the feasible one in which every flow has a bottleneck: its own
 * cap, or a saturated link on which no flow is faster (Bertsekas and Gallager, Data Networks, 2nd
 * edition, section 6.5.2; a cap is a link of the flow's own). Progressive filling finds it: the
 * rates of all flows rise together until a class reaches its cap or a link is saturated; those
 * classes are settled, what they take is subtracted, and the others rise on.
 *
 * Three observations make that cheap. A link whose flows could all have their caps never saturates,
 * so only overloaded links, with demand > rate, are looked at, and classes that cross none of them
 * are at their caps. Classes ascend by cap, so the first one that is not settled has the least. And
 * which classes cross a link never changes, so settling works on words of 64 classes.
 *
 * Cost of a fill: with C classes and O overloaded links, each class is settled once, in O(O), and
 * each of the at most O + C rounds finds the least share in O(O) and its classes in C / 64; one
 * overloaded link, the common case, takes one pass over the classes.
 *
 * Invariant: the level, the common rate of those not settled, never falls, so rounding in what is
 * left of a link cannot make a rate negative. */
#include "fluid/maxmin.h"

#include <assert.h>
#include <math.h>
#include <string.h>

static uint64_t *empty_sets(Arena *a, size_t n) {
    return memset(ARENA_NEW(a, uint64_t, n), 0, n * sizeof(uint64_t));
}

void maxmin_init(Maxmin *m, const double *link_rate, uint32_t n_links, MaxminClass *classes,
                 uint32_t n_classes, Arena *a) {
    uint32_t words = (n_classes + 63) / 64;
    *m = (Maxmin){.n_links = n_links, .n_classes = n_classes, .n_words = words, .classes = classes};
    m->links = ARENA_NEW(a, MaxminLink, n_links);
    for (uint32_t l = 0; l < n_links; l++) m->links[l] = (MaxminLink){.rate = link_rate[l]};
    m->over = ARENA_NEW(a, uint32_t, n_links);
    m->left = ARENA_NEW(a, double, n_links);
    m->sharers = ARENA_NEW(a, double, n_links);
    m->active = empty_sets(a, words);
    m->slowed = empty_sets(a, words);
    m->open = empty_sets(a, words);
    m->cross = empty_sets(a, (size_t)n_links * words);
    for (uint32_t c = 0; c < n_classes; c++) {
        const MaxminClass *k = &classes[c];
        assert(k->s < k->d && k->d <= n_links && k->cap > 0 && k->n == 0 &&
               (c == 0 || k->cap >= k[-1].cap));
        for (uint32_t l = k->s; l < k->d; l++)
            m->cross[(size_t)l * words + c / 64] |= 1ull << (c % 64);
    }
}

/* Lists the overloaded links in m->over, nothing of them being settled, and opens the classes that
 * cross one. Returns how many links. */
static inline uint32_t open_classes(Maxmin *m, uint32_t words) {
    uint32_t n_over = 0;
    for (uint32_t l = 0; l < m->n_links; l++) {
        m->over[n_over] = l;
        m->left[n_over] = m->links[l].rate;
        m->sharers[n_over] = m->links[l].count;
        n_over += m->links[l].demand > m->links[l].rate;
    }
    for (uint32_t w = 0; w < words; w++) {
        uint64_t crossing = 0;
        for (uint32_t j = 0; j < n_over; j++) crossing |= m->cross[(size_t)m->over[j] * words + w];
        /* Classes that crossed one in the last fill and no longer do are back at their caps. */
        for (uint64_t freed = m->slowed[w] & ~crossing; freed; freed &= freed - 1) {
            MaxminClass *k = &m->classes[w * 64 + (uint32_t)__builtin_ctzll(freed)];
            k->rate = k->cap;
        }
        m->slowed[w] = m->open[w] = m->active[w] & crossing;
    }
    return n_over;
}

/* Settles class k at a rate and subtracts what it takes. */
static inline void settle(Maxmin *m, MaxminClass *k, double rate, uint32_t n_over) {
    /* A table, since a branch on whether k crosses the link would be mispredicted every other time.
     */
    const double flows_if[2] = {0, k->n};
    k->rate = rate;
    for (uint32_t j = 0; j < n_over; j++) {
        double flows = flows_if[m->over[j] - (uint32_t)k->s < (uint32_t)(k->d - k->s)];
        m->sharers[j] -= flows;
        m->left[j] -= flows * rate;
    }
}

/* Returns the least share that an overloaded link has for each of its flows that are not settled;
 * *at is where the link stands in m->over. */
static inline double smallest_share(const Maxmin *m, uint32_t n_over, uint32_t *at) {
    double least = INFINITY;
    for (uint32_t j = 0; j < n_over; j++) {
        double share = m->sharers[j] > 0 ? m->left[j] / m->sharers[j] : INFINITY;
        if (share < least) {
            least = share;
            *at = j;
        }
    }
    return least;
}

/* Settles the open classes whose cap is at most `share`; returns false if there is none. */
static inline bool settle_capped(Maxmin *m, double share, uint32_t n_over, uint32_t words) {
    bool any = false;
    for (uint32_t w = 0; w < words; w++) {
        for (; m->open[w]; m->open[w] &= m->open[w] - 1) {
            MaxminClass *k = &m->classes[w * 64 + (uint32_t)__builtin_ctzll(m->open[w])];
            if (k->cap > share) return any;
            settle(m, k, k->cap, n_over);
            any = true;
        }
    }
    return any;
}

/* Settles the open classes that cross a link, which is saturated, at their share of it. */
static inline void settle_link(Maxmin *m, uint32_t link, double share, uint32_t n_over,
                               uint32_t words) {
    for (uint32_t w = 0; w < words; w++) {
        uint64_t crossing = m->open[w] & m->cross[(size_t)link * words + w];
        m->open[w] &= ~crossing;
        for (; crossing; crossing &= crossing - 1)
            settle(m, &m->classes[w * 64 + (uint32_t)__builtin_ctzll(crossing)], share, n_over);
    }
}

static inline bool any_open(const Maxmin *m, uint32_t words) {
    uint64_t any = 0;
    for (uint32_t w = 0; w < words; w++) any |= m->open[w];
    return any != 0;
}

/* Fills the only overloaded link, which every open class crosses: in ascending order, classes whose
 * cap is below the share keep to it, whereby the share of the others grows. */
static inline void fill_one(Maxmin *m, uint32_t words) {
    double left = m->left[0], sharers = m->sharers[0], share = left / sharers;
    for (uint32_t w = 0; w < words; w++) {
        for (uint64_t open = m->open[w]; open; open &= open - 1) {
            MaxminClass *k = &m->classes[w * 64 + (uint32_t)__builtin_ctzll(open)];
            if (k->cap <= share && sharers > k->n) {
                left -= k->n * k->cap;
                sharers -= k->n;
                if (share < left / sharers) share = left / sharers;
                k->rate = k->cap;
            } else {
                /* By rounding the share of the last class may exceed its cap. */
                k->rate = share < k->cap ? share : k->cap;
            }
        }
    }
}

static inline void fill(Maxmin *m, uint32_t words) {
    uint32_t n_over = open_classes(m, words), at = 0;
    double level = 0;
    if (n_over == 1) {
        fill_one(m, words);
        return;
    }
    while (any_open(m, words)) {
        double share = smallest_share(m, n_over, &at);
        if (share < level) share = level;
        if (settle_capped(m, share, n_over, words)) continue;
        settle_link(m, m->over[at], share, n_over, words);
        level = share;
    }
}

bool maxmin_fill(Maxmin *m) {
    if (!m->dirty) return false;
    m->dirty = false;
    /* Up to 64 classes, which lots of ten links have: with a constant, loops over words vanish. */
    if (m->n_words == 1) fill(m, 1);
    else fill(m, m->n_words);
    return true;
}
