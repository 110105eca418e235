// Looking values up, and maps. Rows: compiler/ops/ml_labels.cpp. Errors and threads:
// runtime/host.h.
#pragma once

#include "runtime/host.h"

namespace dlc::host {

void look_up(const HostCall& call);          ///< dlc.LookUp: x, keys
void cast_map(const HostCall& call);         ///< ai.onnx.ml.CastMap: x
void dict_vectorizer(const HostCall& call);  ///< ai.onnx.ml.DictVectorizer: x
void zip_map(const HostCall& call);          ///< ai.onnx.ml.ZipMap: x
/// dlc.PairwiseProbabilities: the scores of pairs of classes
void pairwise_probabilities(const HostCall& call);

}  // namespace dlc::host
