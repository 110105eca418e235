// Obstacles to fusion in words.
#include "compiler/lower/obstacle.h"

namespace dlc {

std::string_view condition(Obstacle obstacle) {
  switch (obstacle) {
    case Obstacle::none:
      return "";
    case Obstacle::fusion_is_off:
      return "fusion is on (-O1 and more)";
    case Obstacle::is_output:
      return "it is no output of the graph";
    case Obstacle::too_large:
      return "its formula has at most 512 expressions";
    case Obstacle::reduction_used_twice:
      return "a reduction has one user only";
    case Obstacle::costly_and_used_twice:
      return "what several nodes use takes at most 4 operations an element";
    case Obstacle::user_has_no_formula:
      return "all users are computed by formulas (no host function, If, Loop or Scan)";
    case Obstacle::reduction_in_epilogue:
      return "an epilogue contains no reduction";
    case Obstacle::operand_of_product:
      return "the operand of a matrix product or convolution only moves elements";
    case Obstacle::reduction_read_again:
      return "the user of a reduction reads each element once, outside of reductions";
    case Obstacle::costly_and_read_again:
      return "the user reads each element once, or it takes at most 4 operations";
  }
  return "";
}

}  // namespace dlc
