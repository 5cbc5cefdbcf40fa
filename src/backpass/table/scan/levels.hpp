// Levels: the distinct texts of a column, each with a code: 1, 2, 3 ... as they first appear.
#pragma once

#include <cstdint>
#include <limits>
#include <new>
#include <random>
#include <string_view>
#include <vector>

#include "word.hpp"

namespace backpass::table {

// More texts than there are codes; Python tells it as memory that is not there.
struct TooManyTexts : std::bad_alloc {
    const char* what() const noexcept override { return "a column has more than 2,147,483,647 texts"; }
};

class Levels {
  public:
    // The code of a text, which is taken up where it is new.
    std::int32_t code_of(std::string_view text) {
        if (size() + 1 > slots_.size() / 2) grow();
        const std::uint32_t hash = hash_of(text);
        for (std::size_t slot = hash & mask();; slot = (slot + 1) & mask()) {
            const Slot found = slots_[slot];
            if (found.code == 0) {
                const std::int32_t code = taken_up(text);
                slots_[slot] = {hash, code};
                return code;
            }
            if (found.hash == hash && is_level(static_cast<std::size_t>(found.code) - 1, text)) return found.code;
        }
    }

    std::size_t size() const { return starts_.size() - 1; }

    // The text of code i + 1.
    std::string_view level(std::size_t i) const {
        return {bytes_.data() + starts_[i], static_cast<std::size_t>(starts_[i + 1] - starts_[i])};
    }

  private:
    struct Slot {
        std::uint32_t hash;
        std::int32_t code;  // 0 where the slot is empty
    };

    std::vector<char> bytes_;                   // of all levels, one behind the other
    std::vector<std::uint64_t> starts_ = {0};   // where each begins among them, and where the last one ends
    std::vector<Slot> slots_ = std::vector<Slot>(16);  // open addressing

    bool is_level(std::size_t i, std::string_view text) const {
        const std::string_view other = level(i);
        return other.size() == text.size() && are_equal(other.data(), text.data(), text.size());
    }

    std::size_t mask() const { return slots_.size() - 1; }

    std::int32_t taken_up(std::string_view text) {
        if (size() == static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max())) throw TooManyTexts{};
        bytes_.insert(bytes_.end(), text.begin(), text.end());
        starts_.push_back(bytes_.size());
        return static_cast<std::int32_t>(size());
    }

    void grow() {
        std::vector<Slot> wider(2 * slots_.size());
        const std::size_t wide = wider.size() - 1;
        for (const Slot& taken : slots_) {
            if (taken.code == 0) continue;
            std::size_t slot = taken.hash & wide;
            while (wider[slot].code != 0) slot = (slot + 1) & wide;
            wider[slot] = taken;
        }
        slots_ = std::move(wider);
    }

    // Starts at random, so that nobody can write a file whose texts all share a slot. No code depends on it.
    static std::uint64_t seed() {
        static const std::uint64_t drawn = (std::uint64_t{std::random_device{}()} << 32) | std::random_device{}();
        return drawn;
    }

    // Eight bytes at a time, each spread by a product and folded (after MurmurHash3, Appleby 2011).
    static std::uint32_t hash_of(std::string_view text) {
        constexpr std::uint64_t kOdd = 0xff51afd7ed558ccdULL;
        std::uint64_t h = seed() ^ (text.size() * kOdd);
        const char* p = text.data();
        std::size_t left = text.size();
        for (; left > kWord; left -= kWord, p += kWord) {
            h = (h ^ eight_bytes(p)) * kOdd;
            h ^= h >> 32;
        }
        h = (h ^ some_bytes(p, left)) * kOdd;
        h ^= h >> 32;
        h *= kOdd;
        return static_cast<std::uint32_t>(h ^ (h >> 29));
    }
};

}  // namespace backpass::table
