"""The weights of maxsight's encoder `multilingual`: data alone, read by maxsight."""
