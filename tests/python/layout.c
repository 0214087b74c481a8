/* Prints the sizes of the structs of m3.h, the names, offsets and sizes of their members, and the
 * numbers that have names, for tests/python/test_layout.py and tests/library. */
#include <m3.h>
#include <stdio.h>

#define STRUCT(S) printf("%s - 0 %zu\n", #S, sizeof(S))
#define MEMBER(S, m) printf("%s %s %zu %zu\n", #S, #m, offsetof(S, m), sizeof(((S *)0)->m))

#define NUMBER(n) printf("- %s %d 0\n", #n, (int)(n))

int main(void) {
    STRUCT(M3Options);
    MEMBER(M3Options, topo);
    MEMBER(M3Options, mix);
    MEMBER(M3Options, mix_id);
    MEMBER(M3Options, flows);
    MEMBER(M3Options, set);
    MEMBER(M3Options, n_flows);
    MEMBER(M3Options, duration_s);
    MEMBER(M3Options, n_paths);
    MEMBER(M3Options, method);
    MEMBER(M3Options, ckpt);
    MEMBER(M3Options, published);
    MEMBER(M3Options, seed);
    MEMBER(M3Options, threads);
    MEMBER(M3Options, check_s);
    STRUCT(M3Error);
    MEMBER(M3Error, kind);
    MEMBER(M3Error, text);
    STRUCT(M3Cable);
    MEMBER(M3Cable, a);
    MEMBER(M3Cable, b);
    MEMBER(M3Cable, rate_bps);
    MEMBER(M3Cable, delay_ns);
    MEMBER(M3Cable, error_rate);
    STRUCT(M3Topology);
    MEMBER(M3Topology, name);
    MEMBER(M3Topology, n_nodes);
    MEMBER(M3Topology, n_cables);
    MEMBER(M3Topology, node_id);
    MEMBER(M3Topology, is_host);
    MEMBER(M3Topology, pod_of_node);
    MEMBER(M3Topology, cables);
    STRUCT(M3Flows);
    MEMBER(M3Flows, n);
    MEMBER(M3Flows, src);
    MEMBER(M3Flows, dst);
    MEMBER(M3Flows, size_b);
    MEMBER(M3Flows, start_ns);
    STRUCT(M3Job);
    MEMBER(M3Job, size);
    MEMBER(M3Job, options);
    MEMBER(M3Job, topology);
    MEMBER(M3Job, flows);
    MEMBER(M3Job, check_share);
    MEMBER(M3Job, target_error);
    MEMBER(M3Job, target_quantile);
    MEMBER(M3Job, max_paths);
    MEMBER(M3Job, exact);
    MEMBER(M3Job, whole);
    MEMBER(M3Job, hpcc_ns3);
    MEMBER(M3Job, parsimon_independent);
    MEMBER(M3Job, parsimon_cluster);
    MEMBER(M3Job, rank_bucket);
    MEMBER(M3Job, rank_quantile);
    MEMBER(M3Job, stop_ns);
    MEMBER(M3Job, user);
    MEMBER(M3Job, log);
    MEMBER(M3Job, progress);
    MEMBER(M3Job, stop);
    STRUCT(M3Interval);
    MEMBER(M3Interval, value);
    MEMBER(M3Interval, lo);
    MEMBER(M3Interval, hi);
    STRUCT(M3Times);
    MEMBER(M3Times, n);
    MEMBER(M3Times, flow);
    MEMBER(M3Times, src);
    MEMBER(M3Times, dst);
    MEMBER(M3Times, size_b);
    MEMBER(M3Times, start_ns);
    MEMBER(M3Times, fct_ns);
    MEMBER(M3Times, ideal_fct_ns);
    NUMBER(M3_METHOD_M3);
    NUMBER(M3_METHOD_FLOWSIM);
    NUMBER(M3_METHOD_PACKET);
    NUMBER(M3_METHOD_SAMPLED);
    NUMBER(M3_METHOD_PARSIMON);
    NUMBER(M3_ERROR_NONE);
    NUMBER(M3_ERROR_INPUT);
    NUMBER(M3_ERROR_IO);
    NUMBER(M3_ERROR_STOPPED);
    NUMBER(M3_ERROR_LEN);
    NUMBER(M3_ALL);
    NUMBER(M3_N_BUCKETS);
    return 0;
}
