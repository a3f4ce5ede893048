// hil_runner: receives a tensor over Serial, runs the model, answers with exactly what it computed.
//
// `mcu build BUNDLE --sketch DIR --board B` writes this file with the model and all it needs into DIR; open it in the
// Arduino IDE, or compile the folder with arduino-cli or PlatformIO, and upload. Then, on the computer:
//   mcu validate BUNDLE --board B --port PORT
#include "src/kt_arduino.h"

static kt_board board;

void setup()
{
    kt_arduino_run(&board, kt_app());
}

void loop()
{
}
