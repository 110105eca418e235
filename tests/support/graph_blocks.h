// What graphs are drawn from: single nodes of any op row, and groups of nodes as models have them.
// Next: graph_blocks.cpp (any node), graph_blocks_networks.cpp (groups of nodes).
#pragma once

#include <span>
#include <string_view>

#include "tests/support/graph_maker.h"

namespace dlc::test {

struct Block {
  std::string_view name;
  int weight;
  void (*draw)(GraphMaker& make);
};

std::span<const Block> single_blocks();
std::span<const Block> network_blocks();

/// An activation of x, as one node.
Value draw_activation(GraphMaker& make, Value x);
/// x with a bias, scaled, or added to what has its shape.
Value draw_broadcast(GraphMaker& make, Value x);

}  // namespace dlc::test
