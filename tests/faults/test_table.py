"""Which test stands for which row of the list of faults. Every name here is that of a test that exists."""

import ast
import functools
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
DOWNLOADS, IMAGES, RUNS, INTERRUPTS, CHECKPOINTS, CELLS = (
    f"faults/test_{name}.py" for name in ("downloads", "images", "runs", "interrupts", "checkpoints", "cells")
)
EXPLORERS, EXERCISES = "widgets/test_every_explorer.py", "exercises/test_base.py"
ROWS = {
    "1 a mirror answers 403 or 503": (DOWNLOADS, "test_the_next_mirror_is_asked_and_that_is_said_in_a_line"),
    "2 all mirrors are down": (DOWNLOADS, "test_all_mirrors_down_names_each_with_its_reason"),
    "3 a silent server": (DOWNLOADS, "test_a_slow_mirror_is_told_as_such"),
    "4 a connection that breaks": (DOWNLOADS, "test_a_connection_that_broke_is_tried_again"),
    "5 a web page instead of the file": (DOWNLOADS, "test_all_mirrors_down_names_each_with_its_reason"),
    "6 a wrong hash": (DOWNLOADS, "test_a_file_that_was_there_stays_when_nothing_better_comes"),
    "7 a damaged file in the cache": (DOWNLOADS, "test_a_damaged_file_is_set_aside_and_fetched_again"),
    "8 as many labels as images": (IMAGES, "test_everything_that_takes_labels_refuses_bad_ones"),
    "9 label 255": (IMAGES, "test_everything_that_takes_labels_refuses_bad_ones"),
    "10 a read-only folder": (DOWNLOADS, "test_a_read_only_folder_names_the_variable"),
    "11 a full disk": (DOWNLOADS, "test_a_disk_that_is_full_says_so_and_asks_no_other_mirror"),
    "11 Ctrl-C or a kill in a download": (DOWNLOADS, "test_ended_in_the_middle_leaves_nothing_under_the_final_name"),
    "12 two downloads at once": (DOWNLOADS, "test_two_processes_at_once_leave_one_valid_file"),
    "13 names of folders": (DOWNLOADS, "test_folders_with_spaces_and_letters_of_any_language"),
    "14 an unknown data set": (IMAGES, "test_an_unknown_name_is_refused_with_the_known_ones"),
    "15 no network: the data": ("test_data.py", "test_digits_load_under_a_second_and_without_sockets"),
    "15 no network: the lessons": ("test_notebooks.py", "offline_environment"),
    "16 images in 0-255, standardized, with NaN": (IMAGES, "test_everything_that_takes_images_refuses_bad_ones"),
    "17 shapes that would be broadcast": (IMAGES, "test_outputs_of_another_shape_are_refused_and_never_broadcast"),
    "18 a log variance of 1000": (RUNS, "test_any_log_variance_gives_a_finite_loss_and_gradient_or_a_clear_stop"),
    "19 a loss that turns NaN": (RUNS, "test_training_stops_before_a_bad_step"),
    "20 probabilities for logits": (IMAGES, "test_probabilities_in_place_of_logits_are_refused"),
    "21 beta": (RUNS, "test_a_senseless_beta_is_refused"),
    "21 latent_dim": (RUNS, "test_a_code_without_dimensions_is_refused"),
    "21 batch, seed, epochs": (RUNS, "test_arguments_out_of_range_are_refused"),
    "22 no draws": (RUNS, "test_no_draws_are_no_estimate"),
    "22 no images": (IMAGES, "test_everything_that_takes_images_refuses_bad_ones"),
    "22 one image, one class": (RUNS, "test_one_image_and_one_class_are_enough"),
    "23 an interrupt in an epoch": (INTERRUPTS, "test_interrupted_anywhere_and_resumed_is_the_same_run"),
    "23 an interrupt in a step": (INTERRUPTS, "test_two_interrupts_at_any_line_of_a_step_and_resumed_is_the_same_run"),
    "23 the mode is restored": (INTERRUPTS, "test_interrupts_leave_the_mode_and_the_random_state"),
    "24 the training cell run twice": (INTERRUPTS, "test_a_training_cell_run_twice_is_a_fresh_run"),
    "25 cells out of order": (CELLS, "test_a_missing_name_is_told_with_its_cell"),
    "26 CUDA that is absent": (RUNS, "test_a_device_that_is_absent_is_named_with_those_present"),
    "26 float64 on MPS": (RUNS, "test_float64_on_mps_goes_on_in_float32_and_that_is_said"),
    "27 runs in threads": (INTERRUPTS, "test_runs_in_threads_do_not_share_random_numbers"),
    "28 a callback that raises": (EXPLORERS, "test_an_error_is_seen_and_the_next_move_works"),
    "29 a burst of events": (EXPLORERS, "test_a_burst_of_moves_draws_a_few_times_and_ends_on_the_last_value"),
    "30 fifty moves": (EXPLORERS, "test_nothing_piles_up_over_fifty_drawn_moves"),
    "31 a widget before its model": (EXPLORERS, "test_before_the_model_is_made_it_says_what_to_run"),
    "32 a damaged checkpoint": (CHECKPOINTS, "test_every_flipped_bit_is_found"),
    "33 a pickle": (CHECKPOINTS, "test_a_pickle_is_refused_and_nothing_is_executed"),
    "34 another architecture": (CHECKPOINTS, "test_another_architecture_is_told_with_both_shapes"),
    "35 killed while saving": (CHECKPOINTS, "test_killed_while_saving_the_previous_file_is_intact"),
    "36 wrong answers": ("exercises/test_answers.py", "test_other_wrong_answers_fail"),
    "36 mistakes of each exercise": (EXERCISES, "test_planted_mistakes_are_named"),
    "36 raises, returns None or another shape": (EXERCISES, "test_misbehaviour_is_named"),
    "36 another dtype, NaN, ignores the batch": (EXERCISES, "test_changed_outputs_fail"),
    "36 changes its input": (EXERCISES, "test_changed_inputs_are_named"),
    "36 never ends": (EXERCISES, "test_an_endless_function_is_stopped"),
}


@functools.cache
def names_in(file: str) -> set[str]:
    """Functions and arguments (fixtures) of a file of tests."""
    tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
    names = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    return names | {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}


@pytest.mark.parametrize("row", ROWS)
def test_every_row_has_its_test(row):
    file, name = ROWS[row]
    assert name in names_in(file), f"{file} has no {name}, which stands for the row {row}"


def test_no_row_is_left_out():
    numbers = {int(row.split()[0]) for row in ROWS}
    assert numbers == set(range(1, 37))
