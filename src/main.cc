#include "cli/command_line.h"

int main(int argc, char** argv) { return refsyncd::command_line(argc, argv); }
