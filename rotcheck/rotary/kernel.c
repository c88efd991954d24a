/* The rotation on CPU tensors in one pass: reads each element once, writes it once, allocates nothing.

   Knows nothing about torch: it gets addresses, strides and a plan of numbers, so that one build serves every
   version of torch. Threads are those of the OpenMP runtime that torch has loaded, found by name; a second runtime
   would keep its own threads spinning on the same cores. */

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#define _GNU_SOURCE /* RTLD_DEFAULT */
#include <Python.h>
#include <dlfcn.h>
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 12
#define FOR_EACH_MACHINE __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define FOR_EACH_MACHINE
#endif

enum { LOOPS = 4, MOST_PAIRS = 4096, WORTH_A_THREAD = 1 << 15, AHEAD = 1024, LINE = 64 };

/* The order of the numbers in a plan is that of `_packed` in paths/cpu.py. */
typedef struct {
    int64_t dtype, table_dtype;
    int64_t size[LOOPS];        /* batch, sequence, slot, head */
    int64_t axis[LOOPS];        /* which axis of x each of them is; -1: none */
    int64_t table_axis[LOOPS];  /* the same for cos and sin; -1: the table is broadcast */
    int64_t pairs, lanes;       /* rotated pairs; lanes of a head, of which those behind 2 * pairs are copied */
    int64_t step, gap;          /* pair i is lane i * step and lane i * step + gap */
    int64_t table_step;         /* pair i reads lane i * table_step of the table */
    int64_t rotated_slots;      /* slots behind these are copied: V */
    int64_t backwards;          /* 1: by minus the angle */
    int64_t first_row;          /* row of the table for the first position */
} Plan;

typedef struct {
    const Plan *plan;
    const char *x, *cos, *sin;
    char *out;
    int64_t size[LOOPS], x_stride[LOOPS], out_stride[LOOPS], cos_stride[LOOPS], sin_stride[LOOPS];
    int64_t slot; /* which loop runs over the slots */
    int64_t x_lane, out_lane, cos_lane, sin_lane;
} Job;

enum { FLOAT32, FLOAT64, BFLOAT16, FLOAT16 };
typedef struct { uint16_t bits; } bfloat16, float16;

static inline float read_float(float v) { return v; }
static inline double read_double(double v) { return v; }
static inline float read_bfloat16(bfloat16 v) {
    union { uint32_t bits; float value; } wide = {(uint32_t)v.bits << 16};
    return wide.value;
}
static inline float write_float(float v) { return v; }
static inline double write_double(double v) { return v; }
static inline bfloat16 write_bfloat16(float v) { /* to nearest, ties to even; NaN stays NaN */
    union { float value; uint32_t bits; } wide = {v};
    uint32_t rounded = (wide.bits + 0x7fff + ((wide.bits >> 16) & 1)) >> 16;
    return (bfloat16){v != v ? 0x7fc0 : (uint16_t)rounded};
}
static inline float read_float16(float16 v) {
    union { uint32_t bits; float value; } wide = {(uint32_t)(v.bits & 0x7fff) << 13}, scale = {(254 - 15) << 23};
    wide.value *= scale.value; /* the exponent's bias, and what is below the smallest normal number */
    wide.bits |= (v.bits & 0x7c00) == 0x7c00 ? 0x7f800000 : 0;
    wide.bits |= (uint32_t)(v.bits & 0x8000) << 16;
    return wide.value;
}
static inline float16 write_float16(float v) { /* to nearest, ties to even */
    union { float value; uint32_t bits; } wide = {v}, small, half = {0.5f};
    uint32_t sign = wide.bits & 0x80000000, size = wide.bits ^ sign;
    small.bits = size, small.value += half.value; /* the addition rounds to the steps below the smallest normal */
    uint32_t normal = (size - ((127 - 15) << 23) + 0xfff + ((size >> 13) & 1)) >> 13;
    uint32_t found = size < (113u << 23) ? small.bits - half.bits : normal;
    found = size >= (143u << 23) ? (size > 0x7f800000 ? 0x7e00 : 0x7c00) : found;
    return (float16){(uint16_t)(found | sign >> 16)};
}

static const int64_t ITEM[] = {4, 8, 2, 2}; /* bytes, in the order of the dtypes */

/* A row of a table, widened once for all the heads that use it. */
#define ROW(READ, T) for (int64_t i = 0; i < p->pairs; i++) to[i] = READ(((const T *)from)[i * step])
#define TABLE(WIDE)                                                                                   \
    static void table_##WIDE(WIDE *to, const char *from, const Plan *p, int64_t lane, int64_t minus) { \
        int64_t step = lane * p->table_step;                                                          \
        switch (p->table_dtype) {                                                                     \
            case FLOAT32: ROW(read_float, float); break;                                              \
            case FLOAT64: ROW((WIDE), double); break;                                                 \
            case BFLOAT16: ROW(read_bfloat16, bfloat16); break;                                       \
            case FLOAT16: ROW(read_float16, float16); break;                                          \
        }                                                                                             \
        if (minus)                                                                                    \
            for (int64_t i = 0; i < p->pairs; i++) to[i] = -to[i];                                    \
    }

TABLE(float)
TABLE(double)

/* Where a row of lanes, one head at one position, lies. */
typedef struct {
    int64_t index[LOOPS], x, out, cos, sin;
} Place;

static void step(const Job *job, Place *at, int loop, int64_t by) {
    at->index[loop] += by;
    at->x += by * job->x_stride[loop], at->out += by * job->out_stride[loop];
    at->cos += by * job->cos_stride[loop], at->sin += by * job->sin_stride[loop];
}

static Place place(const Job *job, int64_t row) {
    Place at = {{0}, 0, 0, 0, 0};
    for (int loop = LOOPS - 1; loop >= 0; row /= job->size[loop--]) step(job, &at, loop, row % job->size[loop]);
    return at;
}

static void advance(const Job *job, Place *at, int64_t by) { /* by no more than is left of the last loop */
    for (int loop = LOOPS - 1; loop >= 0; loop--, by = 1) {
        step(job, at, loop, by);
        if (at->index[loop] < job->size[loop]) return;
        step(job, at, loop, -job->size[loop]);
    }
}

/* Ask for the memory of a later row while this one is rotated or copied: 1.5 times a copy becomes 1.2 in bfloat16. */
static inline void fetch(const void *x, void *out, int64_t bytes) {
    for (int64_t at = AHEAD; at < AHEAD + bytes; at += LINE)
        __builtin_prefetch((const char *)x + at), __builtin_prefetch((char *)out + at, 1);
}

/* How many rows from here on lie evenly apart and share a row of the tables. */
static int64_t alike(const Job *job, const Place *at, int64_t most) {
    int last = LOOPS - 1;
    if (job->cos_stride[last] || job->sin_stride[last] || job->slot == last) return 1;
    int64_t left = job->size[last] - at->index[last];
    return left < most ? left : most;
}

/* Rows that share a row of the tables: pairs that lie apart by half of the lanes, pairs of neighbours, and either
   with gaps between the lanes. x may be out, so that no pair may be written before both of its lanes are read. */
#define PAIR(NAME, WIDE, A, B, OUT_A, OUT_B)                       \
    {                                                              \
        WIDE a = read_##NAME(A), b = read_##NAME(B);               \
        OUT_A = write_##NAME(a * cos[i] - b * sin[i]);             \
        OUT_B = write_##NAME(b * cos[i] + a * sin[i]);             \
    }
#define HEAD(NAME, T, WIDE)                                                                                            \
    FOR_EACH_MACHINE static void half_##NAME(                                                                          \
        const Job *job, const T *x, T *out, const WIDE *cos, const WIDE *sin, int64_t n) {                             \
        int64_t pairs = job->plan->pairs, x_row = job->x_stride[LOOPS - 1], out_row = job->out_stride[LOOPS - 1];      \
        for (; n > 0; n--, x += x_row, out += out_row) {                                                               \
            fetch(x, out, 2 * pairs * (int64_t)sizeof(T));                                                             \
            _Pragma("GCC ivdep") for (int64_t i = 0; i < pairs; i++)                                                   \
                PAIR(NAME, WIDE, x[i], x[i + pairs], out[i], out[i + pairs])                                           \
        }                                                                                                              \
    }                                                                                                                  \
    FOR_EACH_MACHINE static void neighbours_##NAME(                                                                    \
        const Job *job, const T *x, T *out, const WIDE *cos, const WIDE *sin, int64_t n) {                             \
        int64_t pairs = job->plan->pairs, x_row = job->x_stride[LOOPS - 1], out_row = job->out_stride[LOOPS - 1];      \
        for (; n > 0; n--, x += x_row, out += out_row) {                                                               \
            fetch(x, out, 2 * pairs * (int64_t)sizeof(T));                                                             \
            _Pragma("GCC ivdep") for (int64_t i = 0; i < pairs; i++)                                                   \
                PAIR(NAME, WIDE, x[2 * i], x[2 * i + 1], out[2 * i], out[2 * i + 1])                                   \
        }                                                                                                              \
    }                                                                                                                  \
    static void spread_##NAME(                                                                                         \
        const Job *job, const T *x, T *out, const WIDE *cos, const WIDE *sin, int64_t n) {                             \
        int64_t x_row = job->x_stride[LOOPS - 1], out_row = job->out_stride[LOOPS - 1];                                \
        int64_t x_gap = job->plan->gap * job->x_lane, out_gap = job->plan->gap * job->out_lane;                        \
        int64_t x_step = job->plan->step * job->x_lane, out_step = job->plan->step * job->out_lane;                    \
        for (; n > 0; n--, x += x_row, out += out_row)                                                                 \
            for (int64_t i = 0; i < job->plan->pairs; i++)                                                             \
                PAIR(NAME, WIDE, x[i * x_step], x[i * x_step + x_gap], out[i * out_step], out[i * out_step + out_gap]) \
    }                                                                                                                  \
    static void copy_##NAME(const Job *job, const T *x, T *out, int64_t from, int64_t n) {                             \
        int64_t lanes = job->plan->lanes, x_row = job->x_stride[LOOPS - 1], out_row = job->out_stride[LOOPS - 1];      \
        int close = job->x_lane == 1 && job->out_lane == 1;                                                            \
        if (x == out || from == lanes) return;                                                                         \
        if (close && from == 0 && x_row == lanes && out_row == lanes) lanes *= n, n = 1;                               \
        for (; n > 0; n--, x += x_row, out += out_row) {                                                               \
            if (!close) {                                                                                              \
                for (int64_t i = from; i < lanes; i++) out[i * job->out_lane] = x[i * job->x_lane];                    \
                continue;                                                                                              \
            }                                                                                                          \
            fetch(x, out, (lanes - from) * (int64_t)sizeof(T));                                                        \
            memcpy(out + from, x + from, (size_t)(lanes - from) * sizeof(T));                                          \
        }                                                                                                              \
    }                                                                                                                  \
    static void rows_##NAME(const Job *job, int64_t from, int64_t to) {                                                \
        const Plan *p = job->plan;                                                                                     \
        WIDE cos[MOST_PAIRS], sin[MOST_PAIRS];                                                                         \
        int64_t cos_read = -1, sin_read = -1, n;                                                                       \
        int close = job->x_lane == 1 && job->out_lane == 1, neighbours = p->gap == 1 && p->step == 2;                  \
        Place at = place(job, from);                                                                                   \
        for (int64_t row = from; row < to; row += n, advance(job, &at, n)) {                                           \
            n = alike(job, &at, to - row);                                                                             \
            const T *x = (const T *)job->x + at.x;                                                                     \
            T *out = (T *)job->out + at.out;                                                                           \
            if (at.index[job->slot] >= p->rotated_slots) {                                                             \
                copy_##NAME(job, x, out, 0, n);                                                                        \
                continue;                                                                                              \
            }                                                                                                          \
            if (at.cos != cos_read || at.sin != sin_read) {                                                            \
                table_##WIDE(cos, job->cos + at.cos * ITEM[p->table_dtype], p, job->cos_lane, 0);                      \
                table_##WIDE(sin, job->sin + at.sin * ITEM[p->table_dtype], p, job->sin_lane, p->backwards);           \
                cos_read = at.cos, sin_read = at.sin;                                                                  \
            }                                                                                                          \
            (!close ? spread_##NAME : neighbours ? neighbours_##NAME : half_##NAME)(job, x, out, cos, sin, n);         \
            copy_##NAME(job, x, out, 2 * p->pairs, n);                                                                 \
        }                                                                                                              \
    }

HEAD(float, float, float)
HEAD(double, double, double)
HEAD(bfloat16, bfloat16, float)
HEAD(float16, float16, float)

static void rows(const Job *job, int64_t from, int64_t to) {
    switch (job->plan->dtype) {
        case FLOAT32: rows_float(job, from, to); break;
        case FLOAT64: rows_double(job, from, to); break;
        case BFLOAT16: rows_bfloat16(job, from, to); break;
        case FLOAT16: rows_float16(job, from, to); break;
    }
}

static int64_t count(const Job *job) {
    int64_t n = 1;
    for (int loop = 0; loop < LOOPS; loop++) n *= job->size[loop];
    return n;
}

static void (*parallel)(void (*)(void *), void *, unsigned, unsigned);
static int (*thread_number)(void);
static int (*thread_count)(void);

static void share(void *given) {
    const Job *job = given;
    int64_t n = count(job), thread = thread_number(), threads = thread_count();
    rows(job, n * thread / threads, n * (thread + 1) / threads);
}

static void run(const Job *job, int64_t threads) {
    int64_t n = count(job);
    if (n == 0) return;
    int64_t worth = n * job->plan->lanes / WORTH_A_THREAD;
    if (threads > worth) threads = worth;
    if (parallel && threads > 1) parallel(share, (void *)job, (unsigned)threads, 0);
    else rows(job, 0, n);
}

/* Loops in the order of the memory that is written, so that it is written as it lies. */
static void order(Job *job) {
    for (int i = 1; i < LOOPS; i++)
        for (int j = i; j > 0 && job->out_stride[j] > job->out_stride[j - 1]; j--) {
#define SWAP(FIELD) { int64_t t = job->FIELD[j]; job->FIELD[j] = job->FIELD[j - 1]; job->FIELD[j - 1] = t; }
            SWAP(size) SWAP(x_stride) SWAP(out_stride) SWAP(cos_stride) SWAP(sin_stride)
            if (job->slot == j) job->slot = j - 1;
            else if (job->slot == j - 1) job->slot = j;
        }
}

static int64_t number(PyObject *strides, int64_t axis) {
    return axis < 0 ? 0 : PyLong_AsLongLong(PyTuple_GetItem(strides, (Py_ssize_t)axis));
}

static int64_t lane(PyObject *strides) { return number(strides, PyTuple_Size(strides) - 1); }

static PyObject *rotate(PyObject *self, PyObject *const *args, Py_ssize_t given) {
    if (given != 10) return PyErr_Format(PyExc_TypeError, "rotate takes 10 arguments, not %zd", given);
    const Plan *plan = (const Plan *)PyBytes_AsString(args[8]);
    if (!plan) return NULL;
    if (PyBytes_Size(args[8]) != sizeof(Plan))
        return PyErr_Format(PyExc_ValueError, "a plan has %zu bytes, not %zd", sizeof(Plan), PyBytes_Size(args[8]));
    if (plan->pairs > MOST_PAIRS)
        return PyErr_Format(PyExc_ValueError, "%lld pairs in a head; %d is the most", plan->pairs, MOST_PAIRS);
    Job job = {.plan = plan, .slot = 2};
    job.x = PyLong_AsVoidPtr(args[0]), job.out = PyLong_AsVoidPtr(args[1]);
    job.cos = PyLong_AsVoidPtr(args[2]), job.sin = PyLong_AsVoidPtr(args[3]);
    for (int loop = 0; loop < LOOPS; loop++) {
        job.size[loop] = plan->size[loop];
        job.x_stride[loop] = number(args[4], plan->axis[loop]);
        job.out_stride[loop] = number(args[5], plan->axis[loop]);
        job.cos_stride[loop] = number(args[6], plan->table_axis[loop]);
        job.sin_stride[loop] = number(args[7], plan->table_axis[loop]);
    }
    job.x_lane = lane(args[4]), job.out_lane = lane(args[5]), job.cos_lane = lane(args[6]), job.sin_lane = lane(args[7]);
    job.cos += plan->first_row * job.cos_stride[1] * ITEM[plan->table_dtype];
    job.sin += plan->first_row * job.sin_stride[1] * ITEM[plan->table_dtype];
    int64_t threads = PyLong_AsLongLong(args[9]);
    if (PyErr_Occurred()) return NULL;
    order(&job);
    Py_BEGIN_ALLOW_THREADS
    run(&job, threads);
    Py_END_ALLOW_THREADS
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"rotate", (PyCFunction)(void (*)(void))rotate, METH_FASTCALL,
     "rotate(x, out, cos, sin, strides of x, of out, of cos, of sin, plan, threads): addresses and numbers alone"},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_kernel", NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__kernel(void) {
    parallel = (void (*)(void (*)(void *), void *, unsigned, unsigned))dlsym(RTLD_DEFAULT, "GOMP_parallel");
    thread_number = (int (*)(void))dlsym(RTLD_DEFAULT, "omp_get_thread_num");
    thread_count = (int (*)(void))dlsym(RTLD_DEFAULT, "omp_get_num_threads");
    if (!thread_number || !thread_count) parallel = NULL;
    PyObject *built = PyModule_Create(&module);
    if (built && PyModule_AddIntConstant(built, "THREADS", parallel != NULL)) return NULL;
    if (built && PyModule_AddIntConstant(built, "MOST_PAIRS", MOST_PAIRS)) return NULL;
    return built;
}
