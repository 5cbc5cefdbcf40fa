// Philox: the random words of (key, step, purpose), element by element, as numerics/philox.py defines them.
//
// Element i is word i mod 4 of the block with counter (i div 4 mod 2^32, step, purpose, 0), after ten rounds of
// Philox4x32 (Salmon, Moraes, Dror & Shaw 2011). No state and no order: any part of an array can be made by any thread.
// What is done with the words (uniform numbers: to_unit of lanes.hpp) lives elsewhere.
#pragma once

#include "lanes.hpp"

namespace backpass::native {
namespace {

struct PhiloxStream {
    std::uint32_t key[2];
    std::uint32_t step;
    std::uint32_t purpose;
};

// One vector of `philox` makes `width` blocks, hence this many elements.
constexpr int philox_elements = 4 * width;

// The words of the blocks block, block + 1, ..., block + width - 1, in the order of their elements: lane l of word[j]
// is element 4 block + width j + l.
BACKPASS_LANE void philox(const PhiloxStream& stream, std::uint32_t block, Word (&word)[4]) {
    const Word multiplier0 = broadcast(0xD2511F53u), multiplier1 = broadcast(0xCD9E8D57u);
    std::uint32_t key0 = stream.key[0], key1 = stream.key[1];
    Word c0 = broadcast(block) + as_word(iota());
    Word c1 = broadcast(stream.step), c2 = broadcast(stream.purpose), c3 = broadcast(0u);
#pragma GCC unroll 10
    for (int round = 0; round < 10; ++round) {
        Word high0, low0, high1, low1;
        multiply_wide(c0, multiplier0, high0, low0);
        multiply_wide(c2, multiplier1, high1, low1);
        c0 = high1 ^ c1 ^ broadcast(key0);
        c1 = low1;
        c2 = high0 ^ c3 ^ broadcast(key1);
        c3 = low0;
        key0 += 0x9E3779B9u;
        key1 += 0xBB67AE85u;
    }
    word[0] = c0, word[1] = c1, word[2] = c2, word[3] = c3;
    interleave(word);
}

// Elements first, first + 1, ..., first + count - 1, written from words[0] on.
static inline void philox_fill(const PhiloxStream& stream, std::uint64_t first, std::size_t count,
                               std::uint32_t* words) {
    std::uint32_t block = static_cast<std::uint32_t>(first / 4);
    std::size_t skip = static_cast<std::size_t>(first % 4);  // elements of the first block that come before `first`
    while (count > 0) {
        Word word[4];
        philox(stream, block, word);
        block += static_cast<std::uint32_t>(width);
        if (skip == 0 && count >= static_cast<std::size_t>(philox_elements)) {
            for (int j = 0; j < 4; ++j) store(words + j * width, word[j]);
            words += philox_elements;
            count -= static_cast<std::size_t>(philox_elements);
            continue;
        }
        std::uint32_t all_words[philox_elements];
        for (int j = 0; j < 4; ++j) store(all_words + j * width, word[j]);
        const std::size_t available = static_cast<std::size_t>(philox_elements) - skip;
        const std::size_t taken = count < available ? count : available;
        std::memcpy(words, all_words + skip, taken * sizeof *words);
        words += taken;
        count -= taken;
        skip = 0;
    }
}

}  // namespace
}  // namespace backpass::native
