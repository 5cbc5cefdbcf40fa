// Scanner: delimited text in pieces -> columns of numbers and of coded texts, in one pass that holds no text twice.
//
// It keeps what it must of a piece that ends inside a record, and the columns. What is wrong with the text is counted
// and named by line; what that means for the user is said in Python.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "levels.hpp"
#include "line.hpp"
#include "number.hpp"
#include "record.hpp"

namespace backpass::table {

enum class Role : char { Number = 'n', Text = 't', Skip = '-' };

// A column so far. is_unfit: it was to be one of numbers, and holds something else.
struct Column {
    Role role;
    bool is_unfit = false;
    bool has_points = false;
    std::vector<double> numbers;
    std::vector<std::int32_t> codes;
    Levels levels;
};

class Scanner {
  public:
    // roles: one per column. tokens: texts that stand for no number. with_points: whether 1.5 is a number.
    Scanner(const std::string& roles, std::vector<std::string> tokens, bool with_points, std::int64_t rows_about);

    // A file begins, at this line: order[k] is the column that its k-th field belongs to. Its first `headers` records
    // are no rows. is_merged: runs of blanks and tabs separate fields. watch: lines that are no rows. skips_empty:
    // whether a record of empty fields is a row without values, listed in empty_rows.
    void begin(char delimiter, std::vector<std::int64_t> order, std::int64_t line, std::int64_t headers, bool is_merged,
               LineWatch watch, bool skips_empty);
    void feed(std::string_view piece);
    void end();

    std::vector<Column> columns;
    std::int64_t rows = 0;
    std::vector<std::pair<std::int64_t, std::int64_t>> uneven;  // line and number of fields of the first such records
    std::int64_t uneven_count = 0;
    std::vector<std::int64_t> empty_rows;   // rows, from 1, whose fields are all empty
    std::vector<std::int64_t> header_rows;  // rows, from 1, that repeat a header line; they are rows without values
    std::vector<std::int64_t> aside;        // lines of the first comments and repeated lines that are no records
    std::int64_t aside_count = 0;
    Cut broken = Cut::Record;  // what ended the file before its end, and on which line
    std::int64_t broken_line = 0;

  private:
    static constexpr std::size_t kNamed = 8;  // uneven records that are kept

    std::vector<std::string> tokens_;
    bool with_points_;
    RecordCutter cutter_{',', false};
    std::vector<std::int64_t> order_;
    std::string left_;  // of the last piece
    std::int64_t line_ = 1;
    std::int64_t headers_ = 1;  // that are still to come
    LineWatch watch_;
    bool skips_empty_ = false;

    void cut(bool is_last);
    bool step_aside(const char*& at, const char* end, bool is_last, bool& is_partial);
    void take_record();
    bool is_empty() const;
    void take_nothing();
    void take(Column& column, const Field& field);
    bool is_token(std::string_view text) const;
};

}  // namespace backpass::table
