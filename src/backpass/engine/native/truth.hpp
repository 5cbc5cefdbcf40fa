// A truth value as registers of the interpreter hold it: 32 bits, all set or none, so that it is a mask for lanes.
#pragma once

#include <cstdint>

namespace backpass::native {
namespace {

struct Truth {
    std::uint32_t bits;
};

}  // namespace
}  // namespace backpass::native
