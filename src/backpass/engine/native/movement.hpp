// Movement: rows copied or added by index. The only arithmetic is addition in a fixed order; the same on every machine.
#pragma once

#include "instruction.hpp"

namespace backpass::native {

void run_take(const Take&, const Frame&);
void run_scatter(const Scatter&, const Frame&);
void run_gather(const Gather&, const Frame&, std::int64_t rows_in_data);

}  // namespace backpass::native
