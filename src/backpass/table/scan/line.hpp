// LineWatch: the lines of a delimited text that are no rows, found by how they begin before any field is cut.
//
// A comment begins with a given text. Where that is only suspected, a line with as many delimiters as a row is a row. A
// repeated line equals one of those above the rows: the header again, in files that were joined.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace backpass::table {

enum class Line : char {
    Record,    // none of those
    Partial,   // the piece ends before the line does
    Comment,
    Header,    // a repeated line that has as many fields as a row
    Preamble   // a repeated line that has not
};

class LineWatch {
  public:
    LineWatch() = default;

    // comment: what a comment begins with, empty for none. is_certain: whether every such line is a comment. headers,
    // preamble: the lines to find again, without their ends.
    LineWatch(std::string comment, bool is_certain, std::vector<std::string> headers, std::vector<std::string> preamble)
        : comment_(std::move(comment)), is_certain_(is_certain), headers_(std::move(headers)),
          preamble_(std::move(preamble)) {
        watch(comment_);
        for (const std::string& line : headers_) watch(line);
        for (const std::string& line : preamble_) watch(line);
    }

    // Whether a line that begins with this byte is worth a look.
    bool is_watched(char first) const { return first_[static_cast<unsigned char>(first)]; }

    // What the line at `at` is; `behind` moves behind its text, in front of its end.
    Line line_at(const char* at, const char* end, bool is_last, char delimiter, std::size_t fields,
                 const char*& behind) const {
        const char* stop = std::find_if(at, end, [](char c) { return c == '\n' || c == '\r'; });
        if (stop == end && !is_last) return Line::Partial;
        behind = stop;
        const std::string_view text(at, static_cast<std::size_t>(stop - at));
        if (!comment_.empty() && text.substr(0, comment_.size()) == comment_ &&
            (is_certain_ || fields != 1 + static_cast<std::size_t>(std::count(at, stop, delimiter))))
            return Line::Comment;
        if (std::find(headers_.begin(), headers_.end(), text) != headers_.end()) return Line::Header;
        if (std::find(preamble_.begin(), preamble_.end(), text) != preamble_.end()) return Line::Preamble;
        return Line::Record;
    }

  private:
    std::string comment_;
    bool is_certain_ = false;
    std::vector<std::string> headers_;
    std::vector<std::string> preamble_;
    bool first_[256] = {};

    void watch(const std::string& line) {
        if (!line.empty()) first_[static_cast<unsigned char>(line[0])] = true;
    }
};

}  // namespace backpass::table
