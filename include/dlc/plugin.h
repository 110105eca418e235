/* User-defined operators: a shared object that dlc loads with --plugin, or dlc::load_plugin().
 *
 *   static const char* infer(const dlc_op_call* call) { ... }     the types of the outputs
 *   static const char* compute(const dlc_op_call* call) { ... }   their elements
 *
 *   const char* dlc_plugin_init(const dlc_plugin_host* host) {
 *     static const dlc_op op = {sizeof op, "my.domain.Cube", "x * x * x", 1, 1, NULL, infer,
 * compute}; return host->add_op(host, &op);
 *   }
 *
 * All functions return NULL, or a message that says what is wrong, which becomes dlc's error; it
 * must stay valid until the next call of the same thread. A whole example: examples/plugin/cube.c.
 */
#ifndef DLC_PLUGIN_H
#define DLC_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Sizes that are known only when the model runs are negative numbers in `infer`: equal ones are
 * equal sizes, and an output may have them. DLC_NEW_SIZE: the operator decides while it runs. */
#define DLC_NEW_SIZE INT64_MIN
#define DLC_MAX_RANK 16

/* A dense row-major tensor. dtype: ONNX's number (1: float, 7: int64, ...). In `infer` data is
 * NULL. Strings are not passed. */
typedef struct dlc_tensor {
  int32_t dtype;
  int32_t rank;
  int64_t shape[DLC_MAX_RANK];
  void* data;
} dlc_tensor;

/* A node: what its functions are called with. An input that is left out has dtype 0. */
typedef struct dlc_op_call {
  size_t size; /* of this struct; newer ones are larger */
  int32_t inputs;
  int32_t outputs;
  const dlc_tensor* input;
  dlc_tensor* output; /* infer: to be filled in. compute: zeroed memory to be written */
  /* Attributes by name, or `otherwise` where the node does not have one of that kind. */
  int64_t (*int_attr)(const struct dlc_op_call* call, const char* name, int64_t otherwise);
  double (*real_attr)(const struct dlc_op_call* call, const char* name, double otherwise);
  const char* (*text_attr)(const struct dlc_op_call* call, const char* name, const char* otherwise);
  /* compute: the output's shape where infer said DLC_NEW_SIZE; allocates it anew and sets data. */
  const char* (*set_shape)(const struct dlc_op_call* call, int32_t output, const int64_t* shape);
  const void* self; /* dlc's own */
} dlc_op_call;

typedef struct dlc_op {
  size_t size;      /* of this struct */
  const char* name; /* domain and operator type of the node: "my.domain.Cube" */
  const char* doc;  /* one line */
  int32_t inputs;   /* at most this many; all but the first may be left out */
  int32_t outputs;
  const char* const* attributes; /* names of those that nodes may have, then NULL; NULL: none */
  /* Both are called from any number of threads at once, and must not keep what they are given. */
  const char* (*infer)(const dlc_op_call* call);
  const char* (*compute)(const dlc_op_call* call);
} dlc_op;

typedef struct dlc_plugin_host {
  size_t size;
  /* `op` and all that it points at must stay. */
  const char* (*add_op)(const struct dlc_plugin_host* host, const dlc_op* op);
} dlc_plugin_host;

/* What a plugin has. */
const char* dlc_plugin_init(const dlc_plugin_host* host);

#ifdef __cplusplus
}
#endif

#endif
