/* A plugin with two operators of the domain `example`:
 *   Cube      y = factor * x * x * x
 *   Positive  the elements of x that are greater than 0, however many that are
 *
 *   cc -shared -fPIC -Iinclude examples/plugin/cube.c -o cube.so
 *   dlc run model.onnx --plugin ./cube.so
 */
#include "dlc/plugin.h"

enum { float32 = 1 };

static int64_t count(const dlc_tensor* t) {
  int64_t n = 1;
  for (int32_t k = 0; k < t->rank; ++k) n *= t->shape[k];
  return n;
}

static const char* infer_cube(const dlc_op_call* call) {
  if (call->input[0].dtype != float32) return "x must be float";
  call->output[0] = call->input[0];
  return NULL;
}

static const char* compute_cube(const dlc_op_call* call) {
  const float* x = call->input[0].data;
  float* y = call->output[0].data;
  const float factor = (float)call->real_attr(call, "factor", 1.0);
  for (int64_t i = 0; i < count(&call->input[0]); ++i) y[i] = factor * x[i] * x[i] * x[i];
  return NULL;
}

static const char* infer_positive(const dlc_op_call* call) {
  if (call->input[0].dtype != float32) return "x must be float";
  call->output[0].dtype = float32;
  call->output[0].rank = 1;
  call->output[0].shape[0] = DLC_NEW_SIZE;
  return NULL;
}

static const char* compute_positive(const dlc_op_call* call) {
  const float* x = call->input[0].data;
  int64_t found = 0;
  for (int64_t i = 0; i < count(&call->input[0]); ++i) found += x[i] > 0;
  const char* error = call->set_shape(call, 0, &found);
  if (error) return error;
  float* y = call->output[0].data;
  for (int64_t i = 0; i < count(&call->input[0]); ++i)
    if (x[i] > 0) *y++ = x[i];
  return NULL;
}

const char* dlc_plugin_init(const dlc_plugin_host* host) {
  static const char* const cube_attributes[] = {"factor", NULL};
  static const dlc_op cube = {sizeof(dlc_op), "example.Cube", "factor * x * x * x", 1, 1,
                              cube_attributes, infer_cube, compute_cube};
  static const dlc_op positive = {sizeof(dlc_op), "example.Positive", "The elements above 0.", 1, 1,
                                  NULL, infer_positive, compute_positive};
  const char* error = host->add_op(host, &cube);
  return error ? error : host->add_op(host, &positive);
}
