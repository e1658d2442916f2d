"""The sentence that counts in what esorex prints, and QC1 parameters in PAF files."""

from vltflow.process.runners.esorex.messages import first_error, without_noise
from vltflow.process.runners.esorex.paf import quality_parameters

DUMP = """\
[ INFO  ] MBias:   Input frames
[ ERROR ] MBias: Dumping all 3 error(s):
[ ERROR ] MBias:   [1/3] 'Data not found: Keyword MJD-OBS does not exist' (10) at uves_get_p:u.c:16
[ ERROR ] MBias:   [2/3] 'Data not found: Error reading keyword 'MJD-OBS'' (10) at uves_p:u.c:11
[ ERROR ] MBias:   [3/3] 'Data not found: MBias execution failed' (10) at uves_cal_mbias:u.c:92
[ ERROR ] esorex: Execution of recipe 'uves_cal_mbias' failed, status = 10
"""
PAF = """\
PAF.HDR.START         ;# Start of PAF Header
PAF.TYPE              "QC1 Parameters" ;# Type of PAF
PAF.HDR.END           ;# End of PAF Header
QC.DID                "GIRAFFE-1.0" ;# Dictionary
QC.BIAS.MASTER.MEDIAN 199.5 ;# Median bias level
QC.OUT1.NSAT          3 ;# Saturated pixels
"""


def test_the_deepest_error_of_a_dump_is_the_cause():
    wanted = "Data not found: Keyword MJD-OBS does not exist (in uves_get_p)"
    assert first_error(DUMP) == wanted


def test_without_a_dump_the_first_plain_error_counts():
    text = "[ ERROR ] esorex: Command line parameter '--foo=1' not recognized\n"
    said = f"[ INFO  ] a: b\n{text}[ ERROR ] esorex: Unable to continue parsing\n"
    assert first_error(said) == "esorex: Command line parameter '--foo=1' not recognized"


def test_no_error_is_no_text():
    assert first_error("[ INFO  ] esorex: 2 products created\n") == ""


def test_noise_is_left_out_and_the_rest_stays():
    noise = "[ INFO  ] esorex: Run-time version 7.2.3 of CPL is higher than the version (70202)\n"
    kept = "[ INFO  ] MBias: Input frames are 'BIAS_BLUE'\n"
    assert without_noise(noise + kept + noise) == kept


def test_quality_parameters_of_a_paf_file_have_their_types():
    assert quality_parameters(PAF) == {
        "QC DID": "GIRAFFE-1.0",
        "QC BIAS MASTER MEDIAN": 199.5,
        "QC OUT1 NSAT": 3,
    }
